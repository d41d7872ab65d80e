"""Canary's work: serve the candidate in a process of its own, and compare its answers with what was evaluated."""

import json
import os
import platform
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.canary import checks, constant, replay
from components.canary.checks import ServingLimits
from components.canary.replay import asking
from components.canary.server import Server, starting
from components.canary.verdict import CONSTANT, PRODUCTION, TRIES, Fault, Try, verdict
from components.shared import canary_report, raw_rows, steps
from components.shared.canary_report import CanaryReport
from components.shared.errors import Undecided

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
        properties: the execution properties of `CanarySpec`.

    Raises:
        Undecided: the fault is the machine's.
    """
    limits = ServingLimits(**json.loads(properties["limits"]))
    tries: list[Try] = []
    with tempfile.TemporaryDirectory() as temporary:
        rehearsal = Rehearsal(model, production, examples, properties, Path(temporary))
        while len(tries) < TRIES:
            tries.append(rehearsal.run(len(tries), unlike_production=any(each.fault_beside for each in tries)))
            if report := verdict(tries, limits):
                return report
    raise _undecided(tries, limits)


class Rehearsal:
    """Servers of two models side by side, and the rows that they are asked for. See `try_out`."""

    def __init__(self, model: Path, production: Path, examples: list[str], properties: dict[str, Any], temporary: Path):
        self._model, self._production, self._temporary = model, production, temporary
        self._columns = json.loads(properties["columns"])
        self._command = [sys.executable if part == "python" else part for part in json.loads(properties["command"])]
        self._serialized = raw_rows.spread(examples, properties["rows"])
        self._rows = replay.as_rows(raw_rows.parsed(self._serialized, self._columns))
        self._load_seconds, self._answer_seconds = properties["load_seconds"], properties["answer_seconds"]
        self._limits = ServingLimits(**json.loads(properties["limits"]))

    def run(self, number: int, *, unlike_production: bool) -> Try:
        """Try once, in fresh servers.

        Args:
            number: of the try.
            unlike_production: the model in production had a fault of its own, and cannot be the reference.
        """
        if (self._production / tf.saved_model.SAVED_MODEL_FILENAME_PB).exists() and not unlike_production:
            found, reference = Try(PRODUCTION), self._production
        else:
            found = Try(CONSTANT)
            reference = constant.save(self._temporary / f"constant{number}", self._columns)
        folder = self._temporary / str(number)
        with ExitStack() as stack:
            candidate, beside = (
                stack.enter_context(starting(self._command, versions, MODEL, versions.with_suffix(".log")))
                for versions in (_versions(folder / "candidate", self._model), _versions(folder / "reference", reference))
            )
            with ThreadPoolExecutor() as pool:  # at once: neither may use the time in which the other is waited for
                found.fault, found.fault_beside = pool.map(self._fault_of_loading, (candidate, beside))
            if not found.fault:
                self._replay(found, stack, candidate, beside)
        return found

    def _fault_of_loading(self, server: Server) -> Fault | None:
        try:
            server.wait_until_loaded(self._load_seconds)
        except Fault as fault:
            return fault
        return None

    def _replay(self, found: Try, stack: ExitStack, candidate: Server, reference: Server) -> None:
        """Ask both for each row over both protocols, taking turns to be first, so that what slows the machine slows both."""
        asks = [
            stack.enter_context(asking(each, self._serialized, self._rows, self._answer_seconds))
            for each in (candidate, reference)
        ]
        number = 0
        for row in range(len(self._rows)):
            for protocol in replay.PROTOCOLS:
                number += 1
                for beside in (False, True) if row % 2 else (True, False):
                    self._ask(found, asks[beside], beside, (protocol, row, number))
                if found.fault:
                    return
            steps.report("row", row + 1, len(self._rows))
        try:
            peak = candidate.memory()[1]
        except Fault as fault:
            found.fault = fault
            return
        try:
            found.peak_beside = reference.memory()[1]
        except Fault as fault:
            found.fault_beside = found.fault_beside or fault
        # Only now, after a server has survived it: a model that crashes would end this process.
        found.report = checks.of_answers(found.candidate, _evaluated(self._model, self._serialized), peak, self._limits)

    def _ask(self, found: Try, ask, beside: bool, what: tuple[str, int, int]) -> None:
        """Ask one of the two once. A fault of the reference is noted, and it is asked no more."""
        if beside and found.fault_beside:
            return
        try:
            (found.beside if beside else found.candidate).append(ask(*what))
        except Fault as fault:
            if beside:
                found.fault_beside = fault
            else:
                found.fault = fault


def _versions(folder: Path, model: Path) -> Path:
    """Make a folder of versions that holds the model as version 1."""
    folder.mkdir(parents=True)
    (folder / "1").symlink_to(model.absolute())
    return folder


def _evaluated(model: Path, serialized: list[bytes]) -> np.ndarray:
    """Compute the scores of `serving_default`, the signature that the Evaluator measured."""
    return tf.saved_model.load(str(model)).signatures["serving_default"](tf.constant(serialized))[replay.OUTPUT].numpy()


def _undecided(tries: list[Try], limits: ServingLimits) -> Undecided:
    last = tries[-1]
    beside = next((f"; {each.reference} beside it: {said}" for each in tries[::-1] if (said := each.words_beside(limits))), "")
    return Undecided(
        f"Canary could not see whether a server runs the candidate, in {len(tries)} tries. The last one: "
        f"{last.words(limits)}{beside}. That is this machine's doing or canary.command's, and nothing is said of the model: "
        f"{platform.node()} has {os.cpu_count()} cores, a load of {os.getloadavg()[0]:.1f}, and "
        f"{psutil.virtual_memory().available / GIGABYTE:.1f} GB of memory free. Nothing was published, and the span stays due: "
        "let the machine do less beside, correct the command, or raise the limit of [canary] that was exceeded. "
        "The next run resumes at the Canary."
    )
