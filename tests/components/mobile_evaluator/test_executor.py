"""The real executor on the artifacts of a run, with limits that hold and limits that do not."""

import json
import re
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.columnar.mobile_evaluator.executor import Executor
from components.mobile_evaluator.executor import Executor as Stock
from components.mobile_exporter import special_values
from components.mobile_exporter.convert import to_tflite
from components.mobile_exporter.replay import TransformGraph
from components.shared import raw_rows, tfma_results
from components.shared.errors import NotConvertible
from components.shared.metric_names import AUC, LOG_LOSS
from components.shared.phone import awkward_rows, card, parity_report
from pipeline import config
from pipeline.local import record
from pipeline.parts.phone import mobile_eval_config
from tests import neutral

PROPERTIES = {
    "columns": json.dumps({feature.name: feature.dtype for feature in neutral.FEATURES}),
    "rows": 200,
    "max_difference": '{"float32": 1e-5, "float16": 1e-3}',
    "target": neutral.TARGET.model_dump_json(),
    "max_changes": json.dumps({AUC: 0.001, LOG_LOSS: 0.001}),
    "min_slice_rows": 100,
}


@pytest.fixture(scope="module")
def eval_config(parcel_runs) -> str:
    """Metrics and slices of the problem."""
    settings = config.load(problem=parcel_runs.problem).evaluate
    return json_format.MessageToJson(mobile_eval_config(settings, neutral.TARGET))


@pytest.fixture
def artifacts(parcel_runs, tmp_path):
    """What the second run's MobileEvaluator got, with a copy of the files, and empty outputs."""
    outputs = record.last_run(parcel_runs.root / "metadata.db")
    made = {
        "mobile_model": standard_artifacts.Model(),
        "model": standard_artifacts.Model(),
        "model_blessing": standard_artifacts.ModelBlessing(),
        "examples": standard_artifacts.Examples(),
        "schema": standard_artifacts.Schema(),
        "blessing": standard_artifacts.ModelBlessing(),
        "evaluation": standard_artifacts.ModelEvaluation(),
    }
    made["mobile_model"].uri = str(shutil.copytree(outputs["MobileExporter"]["mobile_model"].uri, tmp_path / "mobile"))
    made["model"].uri = outputs["Trainer"]["model"].uri
    made["examples"].uri = outputs["SpanExampleGen"]["examples"].uri
    made["schema"].uri = str(tmp_path / "schema")
    (tmp_path / "schema").mkdir()
    shutil.copy(parcel_runs.problem / "schema.pbtxt", tmp_path / "schema")
    made["model_blessing"].set_int_custom_property("blessed", 1)
    for name in ("blessing", "evaluation"):
        made[name].uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    return {name: [artifact] for name, artifact in made.items()}


@pytest.fixture
def run(artifacts, eval_config, tmp_path):
    """A function that tells whether the file was blessed, and why not."""

    def run(executor: type = Executor, **properties) -> tuple[int, str]:
        arguments = ["--runner=FnApiRunner", "--sdk_container_image=none"]
        context = base_beam_executor.BaseBeamExecutor.Context(arguments, tmp_dir=str(tmp_path / "tmp"), unique_id="1")
        executor(context).Do(artifacts, artifacts, PROPERTIES | {"eval_config": eval_config} | properties)
        blessing = artifacts["blessing"][0]
        return blessing.get_int_custom_property("blessed"), blessing.get_string_custom_property("reason")

    return run


def test_a_file_that_answers_like_the_server_is_blessed_and_measured_by_slice(run, artifacts):
    assert run() == (1, "")
    folder = artifacts["evaluation"][0].uri
    found = {each["variant"]: each for each in json.loads((Path(folder) / parity_report.FILE).read_text())}
    assert set(found) == {"float32", "float16", "dynamic_int8", "weight_int8"}
    assert found["float16"]["rows"] > 300  # 200 real ones and the awkward ones
    assert found["float32"]["largest"] < found["float16"]["largest"] < 1e-3
    assert found["dynamic_int8"]["limit"] is None
    assert all(1 < each["row_us"] < 1e5 for each in found.values())
    measured = tfma_results.metrics(folder)
    assert measured["candidate"]["overall"]["auc"] == pytest.approx(measured["baseline"]["overall"]["auc"], abs=1e-3)
    assert {"country=DE", "shop=books"} < set(measured["candidate"])
    assert sum(tfma_results.score_histogram(folder)) == measured["candidate"]["overall"]["example_count"]


def test_on_columns_the_metrics_are_tfmas_own(run, artifacts):
    found = []
    for executor in (Stock, Executor):
        assert run(executor) == (1, "")
        folder = artifacts["evaluation"][0].uri
        histogram = {"scores": dict(enumerate(tfma_results.score_histogram(folder)))}
        found.append(tfma_results.metrics(folder) | {"histogram": histogram})
        shutil.rmtree(folder)
        Path(folder).mkdir()
    stock, ours = (
        {
            f"{model}/{name}/{metric}": value
            for model, slices in each.items()
            for name, values in slices.items()
            for metric, value in values.items()
        }
        for each in found
    )
    assert len(stock) > 100
    assert ours == pytest.approx(stock, rel=1e-6, abs=1e-7)


class Clipping(TransformGraph):
    """The preprocessing with a share that is clipped before it is asked whether it is missing."""

    def __call__(self, columns, names):
        prepared = super().__call__(columns, names)
        held = tf.minimum(columns["country_share"], 0.99)
        filled = tf.where(tf.math.is_nan(held), prepared["country_share"], tf.maximum(held, 0.01))
        return prepared | {"country_share": filled}


def test_a_file_that_answers_like_the_server_with_xnnpack_only_is_neither_exported_nor_blessed(
    run, artifacts, parcel_runs, tmp_path
):
    outputs = record.last_run(parcel_runs.root / "metadata.db")
    transform = Clipping(f"{outputs['Transform']['transform_graph'].uri}/transform_fn")
    model = tf.saved_model.load(path_utils.serving_model_path(artifacts["model"][0].uri))
    columns = json.loads(PROPERTIES["columns"])
    content = to_tflite(model, transform, columns, None)
    (tmp_path / "mobile" / "variants" / "float32.tflite").write_bytes(content)
    blessed, reason = run()
    assert not blessed
    assert re.fullmatch(
        r"float32 differs from the server's model by up to 0\.\d+ \(.*, without XNNPACK\); "
        "expected at most 1e-05",
        reason,
    )
    real = raw_rows.head(raw_rows.files(artifacts["examples"][0].uri, "eval"), columns, 20)
    stated = card.read(tmp_path / "mobile" / "Format-Serving" / "model.tflite")
    with pytest.raises(NotConvertible, match=r"MINIMUM gets nan from .*, in the row with country_share missing"):
        special_values.check(content, awkward_rows.make(stated.features, real))


def test_a_file_that_differs_too_much_is_not_blessed(run):
    blessed, reason = run(max_difference='{"float32": 1e-5, "float16": 1e-9}')
    assert not blessed
    assert reason.startswith("float16 differs from the server's model by up to ")
    assert reason.endswith("; expected at most 1e-09")


def test_a_file_whose_metrics_differ_is_not_blessed(run, tmp_path):
    """The file of another variant takes the place of the one that ships: its answers are what TFMA measures."""
    shipped = tmp_path / "mobile" / "Format-Serving" / "model.tflite"
    stated = card.read(shipped)
    shipped.write_bytes(card.attach((tmp_path / "mobile" / "variants" / "dynamic_int8.tflite").read_bytes(), stated))
    blessed, reason = run(max_changes=json.dumps({AUC: 0.001, LOG_LOSS: 0.0}))
    assert not blessed
    assert "overall: binary_crossentropy of the file is 0." in reason
    assert "expected them within 0" in reason


def test_what_the_evaluator_did_not_bless_is_not_blessed(run, artifacts):
    artifacts["model_blessing"][0].set_int_custom_property("blessed", 0)
    assert run() == (0, "the server's model was not blessed")


def test_a_file_with_other_inputs_is_refused_before_it_is_measured(run, tmp_path):
    columns = {feature.name: feature.dtype for feature in neutral.FEATURES if feature.name != "weight"}
    with pytest.raises((NotConvertible, KeyError)):
        run(columns=json.dumps(columns))
    assert not list((tmp_path / "evaluation").iterdir())
