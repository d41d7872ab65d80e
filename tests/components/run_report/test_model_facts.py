"""The models of two real runs."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from components.run_report import data_facts, model_facts
from components.run_report.model_facts import Judged
from components.shared import raw_rows, tfma_results, trace
from components.shared.nodes import Output
from components.shared.scored_rows import Scored
from components.shared.tasks import BINARY
from components.shared.tfdv_statistics import by_name
from components.shared.trace import Trace
from tests.neutral import FEATURES, TARGET


@pytest.fixture(scope="module")
def traces(parcel_runs) -> list[Trace]:
    store = trace.open_store(parcel_runs.root / "metadata.db")
    return [trace.read(store, name) for name in trace.runs(store)[:2]]


@pytest.fixture(scope="module")
def facts(traces):
    """Of the second run, which has a model in production beside its candidate."""
    return model_facts.model(traces[1], TARGET)


@pytest.fixture(scope="module")
def measured(traces):
    return tfma_results.metrics(traces[1].output(Output.EVALUATION).uri)


def test_the_metrics_are_tfmas(facts, measured):
    assert facts.rows == measured["candidate"]["overall"]["example_count"]
    assert [metric.name for metric in facts.metrics] == ["AUC", "log loss", "AUC-PR", "calibration"]
    keys = [each.key for each in BINARY.metrics]
    for metric, key in zip(facts.metrics, keys, strict=True):
        assert metric.candidate.value == measured["candidate"]["overall"][key]
        assert metric.production.value == measured["baseline"]["overall"][key]


def test_the_scores_are_those_that_tfma_measured(traces, facts, measured):
    """Its own come from other code; here the AUC counts 1,000 buckets of the score, TFMA's has 10,000."""
    overall = measured["candidate"]["overall"]
    paths = raw_rows.files(traces[1].output(Output.EXAMPLES).uri, "eval")
    loaded = {"candidate": tf.saved_model.load(f"{traces[1].output(Output.MODEL).uri}/Format-Serving")}
    found = model_facts.scores(loaded, paths, TARGET)["candidate"].metrics()
    assert found["AUC"] == pytest.approx(overall["auc"], abs=2e-3)
    assert found["log loss"] == pytest.approx(overall["binary_crossentropy"], abs=1e-5)
    assert found["calibration"] == pytest.approx(overall["calibration"], rel=1e-5)
    x, y = zip(*facts.candidate.roc, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(overall["auc"], abs=5e-3)
    recall, precision = zip(*facts.candidate.precision_recall, strict=True)
    assert np.trapezoid(precision, recall) == pytest.approx(overall["auc_precision_recall"], abs=0.03)
    rows = np.array([count for *_, count in facts.candidate.calibration])
    histogram = np.array(tfma_results.score_histogram(traces[1].output(Output.EVALUATION).uri))
    np.testing.assert_array_equal(rows, histogram[histogram > 0])


def test_what_a_model_has_to_beat_is_measured_on_the_same_rows(traces, facts, measured):
    share = by_name(data_facts.statistics(traces[1])["train"])[TARGET.label].num_stats.mean
    came = measured["candidate"]["overall"]["mean_label"]
    naive = {metric.name: metric.naive for metric in facts.metrics}
    assert naive["AUC"] == 0.5
    assert naive["log loss"] == pytest.approx(-came * np.log(share) - (1 - came) * np.log(1 - share))
    assert naive["calibration"] == pytest.approx(share / came)


def test_intervals_are_around_their_metrics(facts):
    for metric in facts.metrics:
        for found in (metric.candidate, metric.production):
            if metric.name in ("AUC", "log loss", "calibration"):
                low, high = found.interval
                assert low < found.value < high
                assert high - low > 0.01


def test_the_difference_is_paired_and_has_a_word_only_if_its_interval_holds_no_zero(facts):
    for metric in facts.metrics:
        low, high = metric.difference.interval
        assert metric.difference.value == pytest.approx(metric.candidate.value - metric.production.value)
        assert low < metric.difference.value < high
        if metric.better != "nearer 1":
            assert (metric.verdict == "undecided") == (low <= 0 <= high)
    [auc] = [metric for metric in facts.metrics if metric.name == "AUC"]
    alone = [found.interval[1] - found.interval[0] for found in (auc.candidate, auc.production)]
    assert auc.difference.interval[1] - auc.difference.interval[0] < np.hypot(*alone)  # the same rows: less than by themselves


def test_slices_have_both_models(facts, measured):
    by_name = {each.name: each for each in facts.slices}
    assert set(by_name) == set(measured["candidate"]) - {"overall"}
    germany = by_name["country=DE"]
    assert germany.rows == measured["candidate"]["country=DE"]["example_count"]
    assert germany.candidate["AUC"] == measured["candidate"]["country=DE"]["auc"]
    assert germany.production["log loss"] == measured["baseline"]["country=DE"]["binary_crossentropy"]


def test_what_else_is_known_of_a_candidate(facts):
    assert (facts.blessed, facts.refusals, facts.production_version) == (True, [], 1)
    assert {name: len(values) for name, values in facts.loss.items()} == {"train": 2, "eval": 2}
    assert {each.feature for each in facts.importance} == {feature.name for feature in FEATURES}
    losses = [each.lost for each in facts.importance]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0.01
    assert facts.candidate != facts.production


def test_the_first_candidate_has_nothing_beside_it(traces):
    found = model_facts.model(traces[0], TARGET)
    assert found.production_version is None
    assert found.production is None
    assert {metric.production for metric in found.metrics} == {None}
    assert all(each.production == {} for each in found.slices)


@pytest.mark.parametrize("node", ["SpanExampleGen", "Trainer", "Evaluator"])
def test_no_candidate_was_evaluated(traces, node):
    failed = replace(traces[1].executions[node], state="failed", outputs={})
    assert model_facts.model(Trace("", {**traces[1].executions, node: failed}), TARGET) is None


@pytest.mark.parametrize(
    ("labels", "scores"), [([0, 1, 1], [0.1, float("nan"), 0.5]), ([1, 1, 1], [0.1, 0.2, 0.5]), ([0, 1, 1], [0.1, 1.5, 0.2])]
)
def test_scores_that_tell_nothing_have_no_curves_and_no_intervals(labels, scores):
    judged = Judged({"overall": {"auc": 0.5, "example_count": 3}}, Scored(np.array(labels), np.array(scores)))
    auc, log_loss, *_ = BINARY.metrics
    assert not judged.drawable
    assert judged.metric(auc).interval is None
    assert judged.metric(log_loss) is None
