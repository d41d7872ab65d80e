"""Evaluations of a whole run's model on its rows, by TFX's executor or by ours."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

import tensorflow_model_analysis as tfma  # isort: skip  # behind tfx
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2  # isort: skip

from components.columnar.evaluator import executor
from pipeline import config
from pipeline.local import record
from pipeline.model import evaluation

SAME = {"rel": 1e-6, "abs": 1e-7, "nan_ok": True}  # a score differs in its last bit with its place in a batch


@dataclass
class Inputs:
    """What an Evaluator gets.

    Attributes:
        examples: folder of an Examples artifact.
        model: uri of the candidate.
        baseline: uri of the model in production; None if there is none.
        folder: for outputs and the schema.
        config: how to evaluate.
    """

    examples: Path
    model: str
    baseline: str | None
    folder: Path
    config: config_pb2.EvalConfig


def of_second_run(root: Path, problem: Path, folder: Path) -> Inputs:
    """What the Evaluator of the last run of a problem in a root got, with a copy of the rows."""
    made = record.last_run(root / "metadata.db")
    (folder / "schema").mkdir()
    shutil.copy(problem / "schema.pbtxt", folder / "schema")
    examples = shutil.copytree(made["SpanExampleGen"]["examples"].uri, folder / "examples")
    loaded = config.load(problem=problem)
    how = evaluation.eval_config(loaded.evaluate, loaded.problem.target)
    return Inputs(examples, made["Trainer"]["model"].uri, made["ProductionModel"]["model"].uri, folder, how)


def rows(inputs: Inputs) -> list[bytes]:
    """The serialized tf.Examples that are evaluated."""
    paths = sorted(str(path) for path in (inputs.examples / "Split-eval").iterdir())
    return list(tf.data.TFRecordDataset(paths, "GZIP").as_numpy_iterator())


def replace_rows(inputs: Inputs, *files: list[bytes]) -> None:
    """Evaluates these rows instead, in as many files."""
    folder = inputs.examples / "Split-eval"
    shutil.rmtree(folder)
    folder.mkdir()
    for number, serialized in enumerate(files):
        with tf.io.TFRecordWriter(str(folder / f"data_tfrecord-{number:05}-of-{len(files):05}.gz"), "GZIP") as file:
            for each in serialized:
                file.write(each)


@dataclass
class Found:
    """What an Evaluator wrote, as TFMA reads it.

    Attributes:
        values: every number of every metric and plot, by slice and name.
        validation: of the thresholds.
        blessing: the artifact's properties, and the names of its files.
        run: the configuration, and where the models are.
    """

    values: dict[str, float]
    validation: validation_result_pb2.ValidationResult
    blessing: dict[str, object]
    run: tuple[config_pb2.EvalConfig, str]


def run(kind: type, inputs: Inputs, runner: str = "FnApiRunner") -> Found:
    """Runs an executor into a folder of its name."""
    folder = inputs.folder / kind.__module__
    made = {
        "examples": standard_artifacts.Examples(),
        "model": standard_artifacts.Model(),
        "schema": standard_artifacts.Schema(),
        "evaluation": standard_artifacts.ModelEvaluation(),
        "blessing": standard_artifacts.ModelBlessing(),
    }
    uris = {"examples": str(inputs.examples), "model": inputs.model, "schema": str(inputs.folder / "schema")}
    for name in ("evaluation", "blessing"):
        uris[name] = str(folder / name)
        (folder / name).mkdir(parents=True)
    for name, uri in uris.items():
        made[name].uri = uri
    made["examples"].split_names = '["train", "eval"]'
    if inputs.baseline:
        made["baseline_model"] = standard_artifacts.Model()
        made["baseline_model"].uri = inputs.baseline
        made["baseline_model"].set_int_custom_property("version", 1)
    artifacts = {name: [artifact] for name, artifact in made.items()}
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=[f"--runner={runner}", "--direct_num_workers=2", "--sdk_container_image=none"],
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )
    properties = {"eval_config": json_format.MessageToJson(inputs.config), "current_component_id": "Evaluator"}
    kind(context).Do(artifacts, artifacts, properties)
    result = tfma.load_eval_result(uris["evaluation"], model_name="candidate" if inputs.baseline else None)
    blessing = made["blessing"]
    return Found(
        values(uris["evaluation"]),
        tfma.load_validation_result(uris["evaluation"]),
        {name: str(value) for name, value in blessing.mlmd_artifact.custom_properties.items()}
        | {"files": [path.name for path in Path(blessing.uri).iterdir()]},
        (result.config, result.model_location),
    )


def judged(validation: validation_result_pb2.ValidationResult) -> validation_result_pb2.ValidationResult:
    """What was checked and what failed, in the order of slices; the values are compared elsewhere."""
    for of_slice in validation.metric_validations_per_slice:
        for failure in of_slice.failures:
            failure.ClearField("metric_value")
    validation.metric_validations_per_slice.sort(key=str)
    validation.validation_details.slicing_details.sort(key=str)
    return validation


def assert_same(inputs: Inputs, found: Found | None = None, **closeness: float) -> Found:
    """Holds what ours finds against what TFX's does, as close as `SAME` or as told, and returns it."""
    expected = run(tfx_executor.Executor, inputs)
    found = found or run(executor.Executor, inputs)
    assert found.values.keys() == expected.values.keys()
    assert found.values == pytest.approx(expected.values, **SAME | closeness)
    assert found.blessing == expected.blessing
    assert found.run == expected.run
    assert judged(found.validation) == judged(expected.validation)
    return found


def values(folder: str) -> dict[str, float]:
    """Every number of every metric and plot that was written to a folder, by slice and name."""
    found: dict[str, float] = {}
    for record_ in (*tfma.load_metrics(folder), *tfma.load_plots(folder), *tfma.load_attributions(folder)):
        of_slice = json_format.MessageToDict(record_)
        found |= _leaves(of_slice.pop("sliceKey"), of_slice)
    return found


def _leaves(prefix: object, value: object) -> dict[str, float]:
    """Every number in nested dictionaries and lists, by its path; a metric or plot by its key instead of its place."""
    if isinstance(value, dict):
        key = value.pop("key", "")
        return {name: leaf for part in value for name, leaf in _leaves(f"{prefix}/{key}{part}", value[part]).items()}
    if isinstance(value, list):
        keyed = [("" if isinstance(each, dict) and "key" in each else place, each) for place, each in enumerate(value)]
        return {name: leaf for place, each in keyed for name, leaf in _leaves(f"{prefix}/{place}", each).items()}
    return {str(prefix): float(value)}
