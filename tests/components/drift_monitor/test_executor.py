"""The real executor on the artifacts of a real run."""

import json
import shutil
from dataclasses import asdict

import pandas as pd
import pytest
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

from components.drift_monitor import data_drift, performance
from components.drift_monitor.executor import Executor
from components.model_store import contents
from components.model_store.manifest import MANIFEST
from components.shared import drift_report
from components.shared.artifacts import DriftReport
from components.shared.errors import BadData, CorruptModel
from pipeline.local import record
from pipeline.shared.sections import Drift
from tests import neutral
from tests.components.drift_monitor.samples import write_examples
from tests.neutral import DATE, FEATURES, LABEL, MONTHS

DRIFT = Drift()
PROPERTIES = {
    "target": neutral.TARGET.model_dump_json(),
    "data_limits": json.dumps(asdict(data_drift.DataLimits(**DRIFT.limits("categorical", "numeric", "missing", "values")))),
    "model_limits": json.dumps(DRIFT.limits(*performance.ModelLimits.__dataclass_fields__)),
    "requests": "",
    "retrain_on": '["concept"]',
    "block_push": "[]",
}


@pytest.fixture
def artifacts(parcel_runs, tmp_path):
    """The second run's examples, the schema, a copy of version 1 as ProductionModel hands it on, and an empty report."""
    outputs = record.last_run(parcel_runs.root / "metadata.db")
    made = {
        "examples": standard_artifacts.Examples(),
        "schema": standard_artifacts.Schema(),
        "model": standard_artifacts.Model(),
        "report": DriftReport(),
    }
    made["examples"].uri = outputs["SpanExampleGen"]["examples"].uri
    made["examples"].set_string_custom_property("span", MONTHS[-1])
    for name in ("schema", "model", "report"):
        made[name].uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    shutil.copy(parcel_runs.problem / "schema.pbtxt", tmp_path / "schema")
    shutil.copytree(parcel_runs.serving / "1", tmp_path / "model" / "Format-Serving")
    made["model"].set_int_custom_property("version", 1)
    return {name: [artifact] for name, artifact in made.items()}


@pytest.fixture
def newest() -> pd.DataFrame:
    rows = neutral.rows()
    return rows[rows[DATE] >= MONTHS[-1]]


def run(artifacts, folder, **properties) -> drift_report.Report:
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"], tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do(artifacts, artifacts, PROPERTIES | properties)
    return drift_report.read(artifacts["report"][0].uri)


def test_the_newest_span_alone_is_looked_at_and_what_was_found_stands_in_the_properties(artifacts, newest, tmp_path):
    found = run(artifacts, tmp_path, block_push='["data:shop_share"]')
    assert found.rows == len(newest)
    [share] = [check for check in found.checks if check.kind == "label"]
    assert share.value == pytest.approx(newest[LABEL].mean(), abs=1e-6)
    artifact = artifacts["report"][0]
    assert artifact.get_string_custom_property("verdict") == found.verdict != "stable"
    assert artifact.get_string_custom_property("model") == "parcels"
    assert artifact.get_int_custom_property("retrain") == int(found.retrain)
    assert artifact.get_string_custom_property("blocked").startswith("shop_share ")


def test_nothing_in_production_is_no_error(artifacts, tmp_path):
    artifacts["model"][0].set_int_custom_property("version", 0)
    found = run(artifacts, tmp_path)
    assert (found.verdict, found.reference, found.checks, found.retrain) == ("no_reference", None, [], True)


def test_the_metrics_are_those_of_the_model_in_production(artifacts, parcel_runs, newest, tmp_path):
    """Against the SavedModel's own answers to the raw values."""
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415
    from sklearn.metrics import log_loss, roc_auc_score  # noqa: PLC0415

    raw = tf.saved_model.load(str(parcel_runs.serving / "1")).signatures["raw"]
    values = newest.fillna(dict.fromkeys(newest.select_dtypes("object"), ""))
    columns = {feature.name: tf.constant(values[feature.name].to_numpy(), feature.dtype) for feature in FEATURES}
    scores = np.asarray(raw(**columns)["probability"], "float64")
    measured = {check.measure: check.value for check in run(artifacts, tmp_path).checks if check.kind == "concept"}
    labels = newest[LABEL].to_numpy()
    assert measured["AUC"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)
    assert measured["log loss"] == pytest.approx(log_loss(labels, scores), abs=1e-5)


@pytest.mark.parametrize("lacking", [contents.STATISTICS, "score_histogram", "metrics"])
def test_a_version_without_what_is_compared_with_is_refused(artifacts, tmp_path, lacking):
    folder = tmp_path / "model" / "Format-Serving"
    if lacking == contents.STATISTICS:
        (folder / lacking).unlink()
    else:
        manifest = json.loads((folder / MANIFEST).read_text())
        del manifest[lacking]
        (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(CorruptModel, match=f"The version in production has no {lacking}: .*pipeline.rollback"):
        run(artifacts, tmp_path)


def test_a_metric_that_production_was_published_without_is_not_compared(artifacts, tmp_path):
    path = tmp_path / "model" / "Format-Serving" / MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["metrics"]["overall"]["binary_crossentropy"]
    path.write_text(json.dumps(manifest))
    found = run(artifacts, tmp_path)
    assert {check.measure for check in found.checks if check.kind == "concept"} == {"AUC", "calibration"}


@pytest.fixture
def training_rows() -> pd.DataFrame:
    """What version 1 was trained on, without labels: as requests that were logged."""
    rows = neutral.rows()
    return rows[rows[DATE] < MONTHS[-1]].drop(columns=LABEL)


def skewed(found: drift_report.Report) -> set[str]:
    return {check.feature for check in found.checks if check.kind == "skew" and check.verdict != "stable"}


def test_requests_in_another_unit_are_skew_and_can_stop_a_push(artifacts, training_rows, tmp_path):
    (tmp_path / "requests").mkdir()
    half = len(training_rows) // 2
    write_examples(training_rows[:half], tmp_path / "requests" / "a.tfrecord")
    write_examples(training_rows[half:], tmp_path / "requests" / "b.tfrecord.gz")
    as_served = run(artifacts, tmp_path, requests=str(tmp_path / "requests"), block_push='["skew:weight"]')
    assert "weight" not in skewed(as_served)
    assert as_served.blocked == []
    in_pounds = training_rows.assign(weight=training_rows.weight * 2.2)
    write_examples(in_pounds[:half], tmp_path / "requests" / "a.tfrecord")
    found = run(artifacts, tmp_path, requests=str(tmp_path / "requests"), block_push='["skew:weight"]')
    assert skewed(found) - skewed(as_served) == {"weight"}
    assert found.blocked[0].startswith("served requests: weight ")
    assert artifacts["report"][0].get_string_custom_property("blocked").startswith("served requests: weight ")


def test_a_folder_without_requests_is_an_error(artifacts, tmp_path):
    (tmp_path / "requests").mkdir()
    with pytest.raises(BadData, match=r"holds no logged requests; expected files named \*.tfrecord"):
        run(artifacts, tmp_path, requests=str(tmp_path / "requests"))
