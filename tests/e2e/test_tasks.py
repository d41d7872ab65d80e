"""A label that is one of several classes, and one that is a number: two real runs of each, from the spans to the phone."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import once, run_problem, states
from sklearn import metrics  # type: ignore[import-untyped]

from components.model_store import store
from components.model_store.manifest import Manifest
from components.run_report import facts
from components.shared import answers, drift_report, raw_rows
from components.shared.nodes import Output
from components.shared.phone import card
from components.shared.phone.runtime import TFLiteModel
from pipeline import config
from pipeline.local import record
from tests import neutral, other_tasks

pytestmark = pytest.mark.timeout(1800)


@dataclass(frozen=True)
class Runs:
    """Two runs of a problem of the task."""

    task: str
    problem: Path
    root: Path
    said: tuple[str, str]

    @property
    def manifest(self) -> Manifest:
        return store.production(self.root / "serving" / "parcels").manifest

    def rows(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The evaluation rows of the second run: columns as clients send them, and labels."""
        declared = config.load(problem=self.problem).problem
        examples = Output.EXAMPLES.of(record.last_run(self.root / "metadata.db")).uri
        rows = raw_rows.head(raw_rows.files(examples, "eval"), declared.columns, 100_000)
        return rows, declared.target.numbers(rows.pop(declared.label))

    def scores(self, rows: dict[str, np.ndarray]) -> np.ndarray:
        """What the published SavedModel answers."""
        model = tf.saved_model.load(str(store.production(self.root / "serving" / "parcels").folder))
        return answers.only(model.signatures["raw"](**{name: tf.constant(rows[name]) for name in rows})).numpy()


@pytest.fixture(scope="module", params=["multiclass", "regression"])
def runs(request, tmp_path_factory) -> Runs:
    def made(folder: Path) -> Runs:
        problem = other_tasks.write(folder / "parcels", request.param)
        root = folder / "runs"
        first, second = (run_problem(problem, root, span) for span in neutral.MONTHS[1:])
        return Runs(request.param, problem, root, (first, second))

    return once(tmp_path_factory, request.param, Runs, made)


def test_each_run_publishes_for_the_server_and_for_the_phone(runs):
    for said in runs.said:
        assert states(said)["Publisher"] == states(said)["MobilePublisher"] == states(said)["RunReport"] == "done"
    assert runs.manifest.version == 2
    decides = {"multiclass": "accuracy less that of version 1", "regression": "RMSE less that of version 1"}
    assert decides[runs.task] in runs.said[1]


def test_the_published_metrics_are_those_of_scikit_learn(runs):
    rows, labels = runs.rows()
    scores, overall = runs.scores(rows), runs.manifest.overall
    assert overall["example_count"] == len(labels)
    if runs.task == "multiclass":
        assert overall["sparse_categorical_accuracy"] == pytest.approx(metrics.accuracy_score(labels, scores.argmax(axis=1)))
        assert overall["sparse_categorical_crossentropy"] == pytest.approx(metrics.log_loss(labels, scores), rel=1e-4)
        likeliest = np.bincount(scores.argmax(axis=1), minlength=len(other_tasks.CLASSES))
        assert runs.manifest.score_histogram == likeliest[: len(runs.manifest.score_histogram)].tolist()
    else:
        assert overall["root_mean_squared_error"] == pytest.approx(metrics.root_mean_squared_error(labels, scores), rel=1e-5)
        assert overall["mean_absolute_error"] == pytest.approx(metrics.mean_absolute_error(labels, scores), rel=1e-5)
        assert overall["mean_prediction"] == pytest.approx(scores.mean(), rel=1e-5)


def test_the_model_has_learned_more_than_the_labels_alone_tell(runs):
    rows, labels = runs.rows()
    scores = runs.scores(rows)
    if runs.task == "multiclass":
        usual = np.bincount(labels) / len(labels)
        assert metrics.log_loss(labels, scores) < metrics.log_loss(labels, np.tile(usual, (len(labels), 1)))
    else:
        assert metrics.root_mean_squared_error(labels, scores) < 0.9 * labels.std()


def test_the_phone_answers_as_the_server(runs):
    rows, _ = runs.rows()
    file = store.production(runs.root / "mobile" / "parcels").folder / card.MODEL_FILE
    stated, expected = card.read(file), runs.scores(rows)
    limit = 1e-3 * (1 if runs.task == "multiclass" else expected.std())
    np.testing.assert_allclose(TFLiteModel(file.read_bytes())(rows), expected, atol=limit)
    assert (stated.schema_version, stated.task, stated.threshold, stated.base_rate) == (2, runs.task, None, None)
    assert stated.classes == (other_tasks.CLASSES if runs.task == "multiclass" else [])
    assert np.shape([each.score for each in stated.golden]) == (20, *expected.shape[1:])


def test_a_number_has_an_interval_that_holds_nine_labels_of_ten(runs):
    """The card's, on the rows that it was made from: as many as its ranks say."""
    stated = card.read(store.production(runs.root / "mobile" / "parcels").folder / card.MODEL_FILE).interval
    if runs.task == "multiclass":
        assert stated is None
        return
    rows, labels = runs.rows()
    errors = labels - runs.scores(rows)
    assert ((errors >= stated.low - 1e-4) & (errors <= stated.high + 1e-4)).mean() == pytest.approx(0.9, abs=2 / len(labels))
    overall = runs.manifest.overall
    assert (stated.share, stated.low, stated.high) == (0.9, overall["error_low"], overall["error_high"])
    page = max((runs.root / "reports").glob("*/facts.json"))
    assert facts.read(page.parent).candidate.interval == (stated.low, stated.high)


def test_drift_is_looked_for_in_labels_answers_and_quality(runs):
    found = drift_report.read(Output.DRIFT.of(record.last_run(runs.root / "metadata.db")).uri)
    measures = {(check.kind, check.measure) for check in found.checks if check.kind not in ("data", "skew")}
    if runs.task == "multiclass":
        assert {("concept", "accuracy"), ("concept", "log loss"), ("prediction", "Jensen-Shannon divergence")} <= measures
        [of_label] = [check for check in found.checks if check.kind == "label"]
        assert of_label.measure.removeprefix("share of ") in other_tasks.CLASSES
    else:
        concept = {("concept", "RMSE"), ("concept", "coverage")}
        assert measures == concept | {("label", "mean label"), ("prediction", "mean prediction")}


def test_the_page_has_the_tasks_metrics_gates_and_curves(runs):
    page = max((runs.root / "reports").glob("*/facts.json"))
    found, html = facts.read(page.parent), (page.parent / "index.html").read_text()
    names = [metric.name for metric in found.candidate.metrics]
    [evaluation] = [gate for gate in found.gates if gate.id == "model"]
    assert json.loads(page.read_text())["candidate"]["task"] == runs.task
    assert all(metric.difference and metric.candidate.interval for metric in found.candidate.metrics)
    if runs.task == "multiclass":
        assert names == ["accuracy", "log loss", "macro AUC"]
        assert isinstance(found.candidate.candidate, facts.ClassCurves)
        assert found.candidate.candidate.classes == other_tasks.CLASSES
        np.testing.assert_allclose(np.sum(found.candidate.candidate.confusion, axis=1), 1, atol=1e-5)
        assert "Confusion of candidate" in html and "Confusion of production" in html
        assert [limit.name for limit in evaluation.limits] == ["accuracy", "accuracy less that of version 1"]
    else:
        assert names == ["RMSE", "MAE", "squared correlation", "R²", "Spearman"]
        assert isinstance(found.candidate.candidate, facts.NumberCurves)
        assert sum(found.candidate.candidate.residuals) == pytest.approx(1, abs=1e-4)
        assert "Predicted and actual" in html and "Residuals" in html
        assert [limit.name for limit in evaluation.limits] == ["RMSE", "RMSE less that of version 1, as a share of it"]
    assert "AUC, candidate" not in (runs.root / "reports" / "index.html").read_text()
