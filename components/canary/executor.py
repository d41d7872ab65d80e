"""Canary's work: serve the candidate in a process of its own, and compare its answers with what was evaluated."""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.canary import checks, replay
from components.canary.checks import Fault, Replay, ServingLimits
from components.canary.replay import asking
from components.canary.server import Server, starting
from components.canary.verdict import CONSTANT, PRODUCTION, TRIES, Try, verdict
from components.shared import answers, canary_report, raw_rows, steps
from components.shared.canary_report import CanaryReport
from components.shared.errors import Undecided
from components.shared.target import Target

MODEL = "candidate"
GIGABYTE = 1e9


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Try the candidate out and write the blessing. See `Canary`. Raises Undecided, BadConfig."""
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        if model_utils.is_model_blessed(artifact_utils.get_single_instance(input_dict["model_blessing"])):
            model, production = (
                Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[name])))
                for name in ("model", "production")
            )
            paths = raw_rows.files(artifact_utils.get_single_uri(input_dict["examples"]), "eval")
            report = try_out(model, production, paths, exec_properties)
        else:
            report = CanaryReport(reasons=["the Evaluator did not bless it, so it was not tried"], tries=0)
        (Path(blessing.uri) / canary_report.FILE).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        blessing.set_int_custom_property("blessed", int(not report.reasons))  # as TFX's InfraValidator states it
        blessing.set_string_custom_property("reason", "; ".join(report.reasons))


def try_out(model: Path, production: Path, examples: list[str], properties: dict[str, Any]) -> CanaryReport:
    """Replay evaluation rows against servers of the model and of a reference, in fresh ones until the result is clear.

    Args:
        model: folder of the candidate's SavedModel.
        production: that of the model in production, empty if there is none.
        examples: files of gzipped tf.Examples.
        properties: the execution properties of `Canary`.

    Raises:
        Undecided: the fault is the machine's.
    """
    tries: list[Try] = []
    with tempfile.TemporaryDirectory() as temporary:
        rehearsal = Rehearsal(model, production, examples, properties, Path(temporary))
        while len(tries) < TRIES:
            tries.append(rehearsal.run(len(tries), unlike_production=any(each.beside.fault for each in tries)))
            if report := verdict(tries):
                return report
    raise _undecided(tries)


class Rehearsal:
    """Servers of two models side by side, and the rows that they are asked for. See `try_out`."""

    def __init__(self, model: Path, production: Path, examples: list[str], properties: dict[str, Any], temporary: Path):
        self._model, self._production, self._temporary = model, production, temporary
        self._columns = json.loads(properties["columns"])
        self._task = Target.model_validate_json(properties["target"]).task
        self._command = [sys.executable if part == "python" else part for part in json.loads(properties["command"])]
        self._serialized = raw_rows.spread(examples, properties["rows"])
        self._rows = raw_rows.as_rows(raw_rows.parsed(self._serialized, self._columns))
        self._load_seconds, self._answer_seconds = properties["load_seconds"], properties["answer_seconds"]
        self._limits = ServingLimits(**json.loads(properties["limits"]))

    @cached_property
    def _constant(self) -> Path:
        return save_constant(self._temporary / "constant", self._columns)

    def run(self, number: int, *, unlike_production: bool) -> Try:
        """Try once, in fresh servers.

        Args:
            number: of the try.
            unlike_production: the model in production had a fault of its own, and cannot be the reference.
        """
        folder = self._temporary / str(number)
        if (self._production / tf.saved_model.SAVED_MODEL_FILENAME_PB).exists() and not unlike_production:
            found, reference = Try(PRODUCTION, self._limits), self._production
        else:
            found, reference = Try(CONSTANT, self._limits), self._constant
        with ExitStack() as stack:
            candidate, beside = (
                stack.enter_context(starting(self._command, versions, MODEL, versions.with_suffix(".log")))
                for versions in (_versions(folder / "candidate", self._model), _versions(folder / "reference", reference))
            )
            both = [(candidate, found.candidate), (beside, found.beside)]
            with ThreadPoolExecutor() as pool:  # at once: neither may use the time in which the other is waited for
                list(pool.map(self._load, both))
            if not found.candidate.fault:
                self._replay(both, stack)
        if not found.candidate.fault:
            # Only now, after a server has survived it: a model that crashes would end this process.
            expected = _evaluated(self._model, self._serialized)
            limit = self._limits.max_difference
            found.answers, found.difference = checks.of_answers(found.candidate, expected, limit, self._task)
        return found

    def _load(self, each: tuple[Server, Replay]) -> None:
        server, done = each
        with noted(done):
            server.wait_until_loaded(self._load_seconds)

    def _replay(self, both: list[tuple[Server, Replay]], stack: ExitStack) -> None:
        """Ask both for each row over both protocols, taking turns to be first, so that what slows the machine slows both.

        A fault of the candidate ends it; after one of the reference, the reference is asked no more.
        """
        turns = [
            (done, stack.enter_context(asking(server, self._serialized, self._rows, self._answer_seconds)))
            for server, done in both
        ]
        candidate, number = both[0][1], 0
        for row in range(len(self._rows)):
            for protocol in replay.PROTOCOLS:
                number += 1
                for done, ask in turns if row % 2 else turns[::-1]:
                    with noted(done):
                        if not done.fault:
                            done.requests.append(ask(protocol, row, number))
                if candidate.fault:
                    return
            steps.report("row", row + 1, len(self._rows))
        for server, done in both:
            with noted(done):
                done.peak = server.memory()[1]


@contextmanager
def noted(done: Replay) -> Iterator[None]:
    """Note a fault of a server, unless it had one before."""
    try:
        yield
    except Fault as fault:
        done.fault = done.fault or fault


def save_constant(folder: Path, columns: Mapping[str, str]) -> Path:
    """Write a SavedModel with our signatures that answers 0.5 to any row: the time that it takes is server and machine's."""

    def answer(**given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"answer": tf.fill(tf.shape(next(iter(given.values())))[:1], 0.5)}

    signatures = {"serving_default": {"examples": "string"}, "raw": columns}
    tf.saved_model.save(
        tf.Module(),
        str(folder),
        {
            name: tf.function(answer).get_concrete_function(
                **{each: tf.TensorSpec([None], tf.as_dtype(dtype), each) for each, dtype in inputs.items()}
            )
            for name, inputs in signatures.items()
        },
    )
    return folder


def _versions(folder: Path, model: Path) -> Path:
    """Make a folder of versions that holds the model as version 1."""
    folder.mkdir(parents=True)
    (folder / "1").symlink_to(model.absolute())
    return folder


def _evaluated(model: Path, serialized: list[bytes]) -> np.ndarray:
    """Compute the answers of `serving_default`, the signature that the Evaluator measured."""
    loaded = tf.saved_model.load(str(model))  # a signature does not keep its model alive
    return answers.only(loaded.signatures["serving_default"](tf.constant(serialized))).numpy()


def _undecided(tries: list[Try]) -> Undecided:
    said = "; ".join(tries[-1].troubles().values())
    faults = [(each.reference, "; ".join(each.beside.troubles(each.limits).values())) for each in tries[::-1]]
    beside = next((f"; {reference} beside it: {words}" for reference, words in faults if words), "")
    return Undecided(
        f"Canary could not see whether a server runs the candidate, in {len(tries)} tries. The last one: "
        f"{said}{beside}. That is this machine's doing or canary.command's, and nothing is said of the model: "
        f"{platform.node()} has {os.cpu_count()} cores, a load of {os.getloadavg()[0]:.1f}, and "
        f"{psutil.virtual_memory().available / GIGABYTE:.1f} GB of memory free. Nothing was published, and the span stays due: "
        "let the machine do less beside, correct the command, or raise the limit of [canary] that was exceeded. "
        "The next run resumes at the Canary."
    )
