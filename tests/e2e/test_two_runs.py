"""Two runs from the command line on few real rows, looked at from all sides."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import run, states

from components.drift_monitor.data_drift import JENSEN_SHANNON
from components.model_store import contents, store
from components.shared import drift_report
from components.shared.tasks import BINARY, SCORE_BUCKETS
from components.shared.units import Unit
from components.span_example_gen import content
from pipeline.local import record
from pipeline.problem import Kind
from tests.flights import FEATURES, LABEL

NODES = ["ImportSchemaGen", "ProductionModel", "SpanExampleGen", "StatisticsGen", "ExampleValidator", "DataChecks", "DataGate"]
NODES += ["DriftMonitor", "Transform", "Trainer", "Evaluator", "Canary"]
NODES += ["MobileExporter", "MobileEvaluator", "Publisher", "MobilePublisher", "RunReport"]


@pytest.fixture(scope="module")
def outputs(two_runs):
    return record.last_run(two_runs.root / "metadata.db")


@pytest.fixture(scope="module")
def published(two_runs) -> store.Version:
    return store.production(two_runs.root / "serving" / "flight_delay")


@pytest.fixture(scope="module")
def model(published):
    return tf.saved_model.load(str(published.folder))


@pytest.fixture(scope="module")
def eval_records(outputs) -> list[bytes]:
    files = tf.io.gfile.glob(f"{outputs['SpanExampleGen']['examples'].uri}/Split-eval/*")
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def as_columns(flights: pd.DataFrame) -> dict[str, tf.Tensor]:
    """Rows as a REST client sends them: a named tensor a feature."""
    return {feature.name: tf.constant(flights[feature.name].to_numpy(), feature.dtype) for feature in FEATURES}


@pytest.fixture(scope="module")
def eval_flights(few_spans) -> pd.DataFrame:
    flights = pd.read_parquet(few_spans / "2013-04" / "flights.parquet")
    return flights[pd.to_datetime(flights["date"]) >= "2013-04-21"]


def test_every_node_has_its_line(two_runs):
    assert states(two_runs.first) == dict.fromkeys(NODES, "done")
    second = dict.fromkeys([*NODES, "BulkInferrer"], "done") | {"ImportSchemaGen": "cached"}
    assert states(two_runs.second) == second


def test_no_temporary_files_are_left(two_runs):
    assert list(two_runs.temporary.rglob("*.py")) == [], "TFX's package of itself, or autograph's sources"
    assert sum(path.stat().st_size for path in two_runs.temporary.rglob("*") if path.is_file()) < 1e6


def test_each_run_takes_the_next_span(two_runs, few_spans):
    assert "Crosswind runs 2013-01 to 2013-03" in two_runs.first
    assert "Next: make run takes 2013-04." in two_runs.first
    assert "Crosswind runs 2013-02 to 2013-04" in two_runs.second
    assert "Next: every whole month was run" in two_runs.second
    decided = record.decided(two_runs.root / "metadata.db", "flight_delay")
    windows = {span: Unit.MONTH.window(span, 3) for span in ("2013-03", "2013-04")}
    assert decided == {span: content.totals(content.read(few_spans, window)) for span, window in windows.items()}


def test_on_a_terminal_what_libraries_say_goes_to_the_log_and_all_of_it(two_runs):
    logs = [path.read_text() for path in sorted((two_runs.root / "logs").iterdir())]
    assert len(logs) == 2
    for log, seen in zip(logs, two_runs.terminals, strict=True):
        assert len(seen.screen) <= 60
        assert not set(filter(None, seen.text.splitlines())) & set(log.splitlines())
        assert not re.search("INFO|WARNING|Traceback|site-packages", seen.text)
        for node in NODES:
            assert f"Component {node} is running." in log and f"Component {node} is finished." in log
        assert "Epoch 1 of 1: loss" in log
        assert re.search(r"\d+/1[78] +Trainer +\d:\d\d", seen.raw), "the node that runs has its line"


def test_the_second_candidate_is_compared_with_the_first(two_runs, outputs):
    assert "nothing is in production yet" in two_runs.first
    assert "prod." in two_runs.second
    assert outputs["ProductionModel"]["model"].custom_properties["version"].int_value == 1


def test_the_second_span_is_compared_with_what_the_first_version_was_trained_on(two_runs, outputs, few_flights):
    assert "Drift: no reference yet, since nothing is in production." in two_runs.first
    found = drift_report.read(outputs["DriftMonitor"]["report"].uri)
    assert found.reference == drift_report.Reference(
        model="flight_delay", version=1, span="2013-03", window=["2013-01", "2013-02", "2013-03"], rows=found.reference.rows
    )
    assert (found.span, found.rows) == ("2013-04", (few_flights.date >= "2013-04-01").sum())
    assert {check.kind for check in found.checks} == {"data", "label", "prediction", "concept"}
    [temp] = [check for check in found.checks if check.feature == "temp" and check.measure == JENSEN_SHANNON]
    assert temp.verdict == "drifted"  # April is warmer than winter
    assert f"Drift: {found.verdict}, " in two_runs.second
    assert "trained on 2013-01 to 2013-03" in two_runs.second


def test_both_versions_are_whole_and_say_what_they_are(two_runs, published, few_flights):
    folder = two_runs.root / "serving" / "flight_delay"
    assert store.versions(folder) == [1, 2]
    for number in (1, 2):
        store.verify(store.read(folder, number))
    manifest = published.manifest
    assert (manifest.span, manifest.window) == ("2013-04", ["2013-02", "2013-03", "2013-04"])
    days = few_flights.date[few_flights.date >= "2013-02-01"]
    assert manifest.rows == {"train": int((days < "2013-04-21").sum()), "eval": int((days >= "2013-04-21").sum())}
    assert manifest.configuration["train"]["epochs"] == 1
    assert 0 < manifest.overall["auc"] < 1
    assert {"origin=JFK", "origin=EWR", "origin=LGA", "carrier=UA"} < set(manifest.metrics)
    assert manifest.model_fields_set >= {"git_commit", "created", "tensorflow", "model"}
    json.dumps(manifest.model_dump(), allow_nan=False)
    assert len(manifest.score_histogram) == SCORE_BUCKETS
    assert sum(manifest.score_histogram) == manifest.rows["eval"]
    assert (published.folder / contents.STATISTICS).stat().st_size > 0


def test_signatures(model):
    assert set(model.signatures) == {"serving_default", "raw", "classify", "regress", "transform_features"}
    raw = model.signatures["raw"].structured_input_signature[1]
    assert {name: spec.dtype.name for name, spec in raw.items()} == {feature.name: feature.dtype for feature in FEATURES}
    assert all(spec.shape.as_list() == [None] for spec in raw.values())
    assert set(model.signatures["transform_features"].structured_outputs) == {name for f in FEATURES for name in f.prepared}
    assert model.signatures["serving_default"].structured_outputs[BINARY.output].shape.as_list() == [None]


def test_classify_and_regress_say_what_serving_default_says(model, eval_records):
    examples = tf.constant(eval_records[:50])
    scores = model.signatures["serving_default"](examples=examples)[BINARY.output].numpy()
    np.testing.assert_allclose(model.signatures["regress"](inputs=examples)["outputs"].numpy().ravel(), scores, rtol=1e-6)
    classified = model.signatures["classify"](inputs=examples)
    assert [label.decode() for label in classified["classes"].numpy()[0]] == ["late", "not late"]
    np.testing.assert_allclose(classified["scores"].numpy(), np.stack([scores, 1 - scores], axis=1), rtol=1e-5)


def plain(record: bytes) -> bytes:
    """An example with its features in the order of their names."""
    return tf.train.Example.FromString(record).SerializeToString(deterministic=True)


def test_the_bulk_inferrer_scores_the_evaluation_split(outputs, model, eval_records):
    from tensorflow_serving.apis import prediction_log_pb2  # noqa: PLC0415

    files = tf.io.gfile.glob(f"{outputs['BulkInferrer']['inference_result'].uri}/prediction_logs-*")
    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record).predict_log for record in records]
    scored = {
        plain(log.request.inputs["examples"].string_val[0]): tf.make_ndarray(log.response.outputs[BINARY.output])[0]
        for log in logs
    }
    assert len(logs) == len(eval_records)
    expected = model.signatures["serving_default"](examples=tf.constant(eval_records))[BINARY.output].numpy()
    np.testing.assert_allclose([scored[plain(record)] for record in eval_records], expected, rtol=1e-5)


def evaluators_predictions(published, eval_records, folder) -> np.ndarray:
    """The scores that TFMA computes with the DAG's own configuration, by its own extractors."""
    import apache_beam as beam  # noqa: PLC0415
    import tfx  # noqa: F401, PLC0415
    import tensorflow_model_analysis as tfma  # isort: skip # noqa: PLC0415
    from pipeline import config  # noqa: PLC0415
    from pipeline.model import evaluation  # noqa: PLC0415

    settings = evaluation.eval_config(config.load().evaluate, config.load().problem.target)
    del settings.model_specs[1]
    shared = tfma.default_eval_shared_model(str(published.folder), eval_config=settings)
    with beam.Pipeline(argv=["--runner=FnApiRunner"]) as pipeline:
        extracts = (
            pipeline | beam.Create([eval_records]) | beam.Map(lambda records: {tfma.INPUT_KEY: np.array(records, object)})
        )
        extractor = tfma.extractors.PredictionsExtractor(settings, shared)
        scores = extracts | extractor.ptransform | beam.Map(lambda batch: np.asarray(batch[tfma.PREDICTIONS_KEY]).tolist())
        _ = scores | beam.Map(json.dumps) | beam.io.WriteToText(str(folder / "scores"), shard_name_template="")
    return np.array(json.loads((folder / "scores").read_text())).reshape(-1)


def test_raw_values_get_the_evaluators_answer(model, published, eval_records, eval_flights, tmp_path):
    """A row given as raw values, against TFMA's own prediction for the same row: found by its serialized example."""
    expected = evaluators_predictions(published, eval_records, tmp_path)
    raw = model.signatures["raw"](**as_columns(eval_flights))[BINARY.output].numpy()
    served = model.signatures["serving_default"](examples=tf.constant(eval_records))[BINARY.output].numpy()
    assert len(expected) == len(raw) == len(served) > 500
    np.testing.assert_allclose(served, expected, atol=1e-6)
    np.testing.assert_allclose(raw, expected, atol=1e-6)
    assert raw.std() > 0.01  # a model that answers the same to everything would pass the lines above


def test_the_evaluators_metrics_are_those_of_the_answers(model, published, eval_flights):
    scores = model.signatures["raw"](**as_columns(eval_flights))[BINARY.output].numpy().astype("float64")
    labels = eval_flights[LABEL].to_numpy(dtype="float64")
    ranks = pd.Series(scores).rank().to_numpy()
    positives = labels.sum()
    auc = (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))
    log_loss = -np.mean(labels * np.log(scores) + (1 - labels) * np.log(1 - scores))
    overall = published.manifest.overall
    assert overall["example_count"] == len(labels)
    assert overall["auc"] == pytest.approx(auc, abs=1e-3)
    assert overall["binary_crossentropy"] == pytest.approx(log_loss, abs=1e-5)
    assert overall["calibration"] == pytest.approx(scores.sum() / positives, rel=1e-5)


def test_missing_values_are_answered(model):
    nothing = {
        feature.name: tf.constant([{Kind.CATEGORICAL: "", Kind.FLAG: 0}.get(feature.kind, float("nan"))], feature.dtype)
        for feature in FEATURES
    }
    from_columns = model.signatures["raw"](**nothing)[BINARY.output].numpy()
    from_example = model.signatures["serving_default"](examples=tf.constant([b""]))[BINARY.output].numpy()
    assert 0 < from_columns[0] < 1
    np.testing.assert_allclose(from_columns, from_example, atol=1e-6)


def test_nothing_is_left_to_run(two_runs, few_spans):
    result = run(spans=few_spans, root=two_runs.root)
    assert result.returncode == 0
    assert "was run. Add the next, or pick one to run again with --span." in result.stdout
    assert "done" not in result.stdout


def test_the_same_span_again_publishes_nothing_twice(two_runs, few_spans):
    """Everything is cached but what depends on what is in production now: the model itself."""
    result = run(
        *("--span", "2013-04", "--set", "evaluate.min_auc=0.4", "--set", "evaluate.max_auc_drop=1.0"),
        spans=few_spans,
        root=two_runs.root,
    )
    assert result.returncode == 0, result.stdout
    shown = states(result.stdout)
    assert shown["Transform"] == shown["Trainer"] == "cached"
    assert shown["Evaluator"] == shown["Publisher"] == "done"
    assert "Nothing new was published: version 2 in production is this very model." in " ".join(result.stdout.split())
    assert store.versions(two_runs.root / "serving" / "flight_delay") == [1, 2]


def test_a_run_asks_no_proxy_for_what_is_on_this_machine(two_runs):
    """The second one had a proxy for everything in its environment, which answers nobody; and it was published."""
    assert two_runs.proxied == []
