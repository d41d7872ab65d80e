"""The path that both protocols share: find the model, check the columns, batch, score, count, log."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import grpc
import numpy as np
import tensorflow as tf

from serving.refused import Refused, StatusCode, invalid
from serving.server.batching import Batcher
from serving.server.metrics import ServerMetrics
from serving.server.parameters import Batching
from serving.server.request_log import RequestLog
from serving.server.servable import Servable, Signature, Tensors
from serving.server.versions import Versions

LOG = logging.getLogger(__name__)
CODES = {code.value[0]: code for code in grpc.StatusCode}
# tensorflow/core/protobuf: CLASSIFY_INPUTS, CLASSIFY_OUTPUT_CLASSES, CLASSIFY_OUTPUT_SCORES, REGRESS_OUTPUTS
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"


class Core:
    """Answers requests for rows. Lives in one event loop."""

    def __init__(self, versions: Versions, limits: Batching, *, batching: bool, in_flight: int, log: RequestLog | None = None):
        """Without `batching` the model is called once a request. Of more than `in_flight` requests the last are refused."""
        self.versions, self._limits, self._batching, self._in_flight, self._log = versions, limits, batching, in_flight, log
        self._pool = ThreadPoolExecutor(limits.num_batch_threads, limits.thread_pool_name)
        self._batchers: WeakKeyDictionary[Servable, dict[str, Batcher]] = WeakKeyDictionary()
        self._now = 0
        self.metrics = ServerMetrics(self.queued)
        versions.on_load = self.metrics.load

    def queued(self) -> int:
        """Return the number of rows that wait."""
        return sum(batcher.queued for each in self._batchers.values() for batcher in each.values())

    @contextmanager
    def counted(self, api: str, entrypoint: str, model: str) -> Iterator[None]:
        """Count and time a request. Any error leaves as Refused."""
        start = time.perf_counter()
        status = "OK"
        try:
            yield
        except Refused as error:
            status = error.code.name
            raise
        except tf.errors.OpError as error:
            refused = Refused(CODES.get(error.error_code, StatusCode.INTERNAL), error.message)
            status = refused.code.name
            raise refused from error
        except asyncio.CancelledError:
            status = "CANCELLED"
            raise
        except Exception as error:
            LOG.exception("A request failed")
            status = "INTERNAL"
            raise Refused(StatusCode.INTERNAL, f"{type(error).__name__}: {error}") from error
        finally:
            # A name that is not served would make a new time series for each typo.
            name = model if model in self.versions.models else ""
            self.metrics.request(name, api, entrypoint, status, time.perf_counter() - start)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a request in, or raise Refused when too many are in flight.

        The limit is on their number and not on their wait: clients that each wait for an answer before they ask again are
        all served at the best rate, however many they are, and a refusal would cost nearly as much as an answer.
        """
        if self._now >= self._in_flight:
            raise Refused(StatusCode.RESOURCE_EXHAUSTED, f"{self._in_flight} requests are in flight; try again later.")
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1

    async def score(self, servable: Servable, signature: Signature, columns: Tensors, api: str) -> Tensors:
        """Score columns with a signature, for Predict, Classify or Regress. Raises Refused."""
        rows = signature.check(columns)
        start = time.perf_counter()
        answers = await self._batcher(servable, signature).submit(columns, rows)
        self.metrics.runtime.labels(servable.model, api, "TF1").observe((time.perf_counter() - start) * 1e6)
        if self._log:
            self._log.offer(columns)
        return answers

    def _batcher(self, servable: Servable, signature: Signature) -> Batcher:
        batchers = self._batchers.setdefault(servable, {})
        if signature.name not in batchers:
            run = functools.partial(self._run, signature, servable.model)
            batchers[signature.name] = Batcher(run, self._limits, self._pool, together=self._batching)
        return batchers[signature.name]

    def _run(self, signature: Signature, model: str, columns: Tensors) -> Tensors:
        self.metrics.rows.labels(model).observe(len(next(iter(columns.values()))))
        return signature.run(columns)

    async def classify(self, servable: Servable, name: str, examples: list[bytes]) -> list[list[tuple[str, float]]]:
        """Return labels and scores for each tf.Example; one that a signature does not give is empty or 0. Raises Refused."""
        wanted = f"{CLASSES} and {SCORES}, or one of them"
        signature = _fitting(servable, name, lambda outputs: outputs <= {CLASSES, SCORES}, wanted)
        answers = await self._of_examples(servable, signature, examples, "Classify")
        given = next(iter(answers.values()))
        scores = answers.get(SCORES, np.zeros(given.shape, np.float32))
        labels = np.vectorize(bytes.decode, otypes=[object])(answers.get(CLASSES, np.full(given.shape, b"", object)))
        return [list(zip(*row, strict=True)) for row in zip(labels.tolist(), scores.tolist(), strict=True)]

    async def regress(self, servable: Servable, name: str, examples: list[bytes]) -> list[float]:
        """Return a number for each tf.Example. Raises Refused."""
        signature = _fitting(servable, name, lambda outputs: outputs == {OUTPUTS}, OUTPUTS)
        return (await self._of_examples(servable, signature, examples, "Regress"))[OUTPUTS].ravel().tolist()

    async def _of_examples(self, servable: Servable, signature: Signature, examples: list[bytes], api: str) -> Tensors:
        if not examples:
            raise invalid("Input is empty. Expected at least one example.")
        return await self.score(servable, signature, {INPUTS: np.array(examples, object)}, api)

    def close(self) -> None:
        """Wait for the batches that run, and for the log."""
        self._pool.shutdown()
        if self._log:
            self._log.close()


def _fitting(servable: Servable, name: str, gives: Callable[[Set[str]], bool], wanted: str) -> Signature:
    """Return the signature of that name. Raises Refused where it was made for other calls, with those that fit this one."""
    fitting = [n for n, each in servable.signatures.items() if each.inputs.keys() == {INPUTS} and gives(each.outputs.keys())]
    signature = servable.signature(name, "No signature was found with the name: {}")
    if signature.name in fitting:
        return signature
    advice = f"Name another one in signature_name: {' or '.join(sorted(fitting))}." if fitting else "This model has none such."
    raise invalid(
        f"Expected a signature that takes one input Tensor, {INPUTS}, and gives {wanted}: {signature.name} takes "
        f"{', '.join(signature.inputs)} and gives {', '.join(signature.outputs)}. {advice}"
    )
