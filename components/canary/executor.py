"""Canary's work: serves the candidate in a process of its own, and holds its answers against what was evaluated."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.canary import checks, replay
from components.canary.checks import Failure, Limits, Report
from components.canary.server import started
from components.mobile_exporter import raw_rows

MODEL = "candidate"


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """See `Canary`."""
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        if model_utils.is_model_blessed(artifact_utils.get_single_instance(input_dict["model_blessing"])):
            model = Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])))
            paths = raw_rows.files(artifact_utils.get_single_uri(input_dict["examples"]), "eval")
            report = try_out(model, paths, exec_properties)
        else:
            report = Report(reasons=["the Evaluator did not bless it, so it was not tried"])
        (Path(blessing.uri) / checks.FILE).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        blessing.set_int_custom_property("blessed", int(not report.reasons))  # as TFX's InfraValidator states it
        blessing.set_string_custom_property("reason", "; ".join(report.reasons))


def try_out(model: Path, examples: list[str], properties) -> Report:
    """Replays evaluation rows against a server of the model.

    Args:
        model: folder of the SavedModel.
        examples: files of gzipped tf.Examples.
        properties: the execution properties of `CanarySpec`.
    """
    serialized = raw_rows.spread(examples, properties["rows"])
    columns = raw_rows.parsed(serialized, json.loads(properties["columns"]))
    limits = Limits(**json.loads(properties["limits"]))
    requests: list[checks.Request] = []
    with tempfile.TemporaryDirectory() as temporary:
        versions = Path(temporary) / MODEL
        versions.mkdir()
        (versions / "1").symlink_to(model.absolute())
        command = [sys.executable if part == "python" else part for part in json.loads(properties["command"])]
        try:
            with started(command, versions, MODEL, Path(temporary) / "log", properties["load_seconds"]) as server:
                for request in replay.replay(server, serialized, replay.as_rows(columns), properties["answer_seconds"]):
                    requests.append(request)
                report = checks.of_resources(requests, server.memory()[1], limits)
        except Failure as failure:
            return Report(requests=len(requests), reasons=[str(failure)])
    if report.reasons:
        return report
    # Only now, when a server has survived it: a model that crashes would end this process.
    return checks.of_scores(report, requests, _evaluated(model, serialized), limits)


def _evaluated(model: Path, serialized: list[bytes]) -> np.ndarray:
    """The scores of `serving_default`, the signature that the Evaluator measured."""
    return tf.saved_model.load(str(model)).signatures["serving_default"](tf.constant(serialized))[replay.OUTPUT].numpy()
