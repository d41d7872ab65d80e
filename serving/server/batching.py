"""Server-side batching: rows of requests that arrive together are scored in one call."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from serving.refused import Refused, StatusCode, invalid
from serving.server.parameters import Batching
from serving.server.servable import Tensors

MICROSECOND = 1e-6


@dataclass(eq=False)
class QueuedRows:
    """Rows that wait for their answers."""

    columns: Tensors
    rows: int
    answer: asyncio.Future[Tensors]


@dataclass(eq=False)
class QueuedBatch:
    """What is scored together."""

    parts: list[QueuedRows] = field(default_factory=list)
    rows: int = 0
    due: float = 0.0  # on the loop's clock: when its first rows must not wait for others any longer


class Batcher:
    """A bounded queue in front of one signature. Used from one event loop; the batches run in a pool of threads.

    A batch starts when it is full, or when its first request has waited `batch_timeout_micros`, and a thread is free. The last
    batch of the queue is open: it takes what comes, as in TensorFlow Serving's SharedBatchScheduler.
    """

    def __init__(self, run: Callable[[Tensors], Tensors], limits: Batching, pool: Executor, *, together: bool = True):
        """Without `together`, every request is a batch of its own, of any size. What `run` raises fails one request only."""
        self._run, self._limits, self._pool, self._together = run, limits, pool, together
        self._queue = deque([QueuedBatch()])
        self.queued = 0  # rows that wait
        self._running = 0  # batches
        self._timer: asyncio.TimerHandle | None = None

    async def submit(self, columns: Tensors, rows: int) -> Tensors:
        """Queue rows and return their answers. Raises Refused when the queue is full, or never holds as many."""
        if self._together:
            self._admit(rows)
        loop = asyncio.get_running_loop()
        parts: list[QueuedRows] = []
        start = 0
        while start < rows:
            size = self._next(rows - start)
            piece = {name: column[start : start + size] for name, column in columns.items()}
            parts.append(QueuedRows(piece, size, loop.create_future()))
            self._enqueue(parts[-1], loop.time())
            start += size
        self._start()
        first, *others = await asyncio.gather(*(part.answer for part in parts))
        if not others:
            return first
        return {name: np.concatenate([first[name], *(each[name] for each in others)]) for name in first}

    def _free(self) -> int:
        return self._limits.rows - self._queue[-1].rows

    def _next(self, rows: int) -> int:
        """Return how many of a request's rows go together; with splitting as many as the open batch takes, or a new one."""
        if not self._together or not self._limits.enable_large_batch_splitting:
            return rows
        return min(rows, self._free() or self._limits.rows)

    def _admit(self, rows: int) -> None:
        """Raise Refused where TensorFlow Serving does, in its words."""
        limits, waiting = self._limits, len(self._queue)
        if rows > limits.max_batch_size:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size {limits.max_batch_size}. Send several requests."
            )
        if rows > self._free() + (limits.max_enqueued_batches - waiting) * limits.rows:
            raise Refused(
                StatusCode.UNAVAILABLE,
                f"The batch scheduling queue to which this task was submitted is full: {self.queued} rows wait in {waiting} "
                f"batches, room is for {limits.max_enqueued_batches} of {limits.rows}. Try again later.",
            )

    def _enqueue(self, part: QueuedRows, now: float) -> None:
        """Put rows into the open batch, or into a new one where they do not fit."""
        batch = self._queue[-1]
        if batch.parts and (not self._together or part.rows > self._free()):
            self._queue.append(batch := QueuedBatch())
        if not batch.parts:
            batch.due = now + self._limits.batch_timeout_micros * MICROSECOND
        batch.parts.append(part)
        batch.rows += part.rows
        self.queued += part.rows

    def _start(self) -> None:
        """Start as many batches as are due and have a thread."""
        loop = asyncio.get_running_loop()
        while self._queue[0].parts and self._running < self._limits.num_batch_threads:
            first = self._queue[0]
            wait = first.due - loop.time()
            if self._together and len(self._queue) == 1 and first.rows < self._limits.rows and wait > 0:
                if self._timer is None:
                    self._timer = loop.call_later(wait, self._ring)
                return
            if len(self._queue) == 1:
                self._queue.append(QueuedBatch())
            self._queue.popleft()
            self.queued -= first.rows
            if batch := [part for part in first.parts if not part.answer.done()]:  # without those whose clients have gone
                self._running += 1
                running = loop.run_in_executor(self._pool, self._score, batch)
                running.add_done_callback(functools.partial(self._finish, batch))

    def _ring(self) -> None:
        self._timer = None
        self._start()

    def _score(self, batch: list[QueuedRows]) -> list[Tensors | Exception]:
        """Return the answers to each part. A batch that fails is tried part by part, so that one does not fail the others."""
        try:
            if len(batch) == 1 and not self._limits.allowed_batch_sizes:
                return [self._run(batch[0].columns)]
            filler = self._filler(sum(part.rows for part in batch))
            answers = self._run(merged([part.columns for part in batch], filler, self._limits))
        except Refused as error:
            return [error] * len(batch)
        except Exception as error:
            return [error] if len(batch) == 1 else [self._score([part])[0] for part in batch]
        ends = np.cumsum([part.rows for part in batch])
        pieces = {name: np.split(column[: ends[-1]], ends[:-1]) for name, column in answers.items()}
        return [{name: piece[index] for name, piece in pieces.items()} for index in range(len(batch))]

    def _filler(self, rows: int) -> int:
        """Return how many rows are missing to the next allowed size."""
        sizes = self._limits.allowed_batch_sizes if self._together else ()
        return next((size - rows for size in sizes if size >= rows), 0)

    def _finish(self, batch: list[QueuedRows], done: asyncio.Future[list[Tensors | Exception]]) -> None:
        self._running -= 1
        for part, answer in zip(batch, done.result(), strict=True):
            if not part.answer.done():
                settle = part.answer.set_exception if isinstance(answer, Exception) else part.answer.set_result
                settle(answer)  # type: ignore[arg-type]
        self._start()


def merged(parts: list[Tensors], filler: int, limits: Batching) -> Tensors:
    """Join the columns of several parts, and fill up with `filler` times the first row of the last part.

    Inputs of different shapes are padded with the first of their values, or refused.
    """
    return {name: _merged(name, [part[name] for part in parts], filler, limits) for name in parts[0]}


def _merged(name: str, columns: list[np.ndarray], filler: int, limits: Batching) -> np.ndarray:
    if len({column.shape[1:] for column in columns}) > 1:
        if not limits.pad_variable_length_inputs or len({column.ndim for column in columns}) > 1:
            raise Refused(
                StatusCode.FAILED_PRECONDITION,
                f"Tensors with name '{name}' from different tasks have different shapes and padding is turned off. "
                "Set pad_variable_length_inputs to true.",
            )
        shape = np.max([column.shape[1:] for column in columns], axis=0)
        columns = [_padded(column, shape) for column in columns]
    if filler:
        columns = [*columns, np.repeat(columns[-1][:1], filler, axis=0)]
    return np.concatenate(columns) if len(columns) > 1 else columns[0]


def _padded(column: np.ndarray, shape: np.ndarray) -> np.ndarray:
    missing = [(0, 0), *((0, int(size - own)) for size, own in zip(shape, column.shape[1:], strict=True))]
    return np.pad(column, missing, constant_values=column.flat[0] if column.size else 0)
