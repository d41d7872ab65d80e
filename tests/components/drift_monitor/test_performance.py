import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import distance
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from components.drift_monitor import performance
from components.drift_monitor.performance import ModelLimits
from components.shared.scored_rows import INTERVAL, Scored
from components.shared.tasks import BINARY
from pipeline.shared.sections import Drift

LIMITS = ModelLimits(**Drift().limits(*ModelLimits.__dataclass_fields__))
ROWS = 6000


def sample(seed: int, rows: int = ROWS) -> Scored:
    """Labels that follow their scores."""
    random = np.random.default_rng(seed)
    scores = random.beta(2, 6, rows).astype("float32")
    return Scored((random.random(rows) < scores).astype("float32"), scores)


def concept(scored: Scored, reference: Scored):
    checks = performance.concept(BINARY, scored, published(reference), len(reference.labels), LIMITS)
    return {check.measure: check for check in checks}


def published(reference: Scored) -> dict[str, float]:
    """Metrics as a manifest has them."""
    return {each.key: reference.metrics()[each.name] for each in BINARY.metrics}


def test_metrics_are_those_of_scikit_learn():
    scored = sample(1)
    metrics = scored.metrics()
    assert metrics["AUC"] == pytest.approx(roc_auc_score(scored.labels, scored.scores), abs=1e-4)
    precision = average_precision_score(scored.labels, scored.scores)
    assert metrics["AUC-PR"] == pytest.approx(precision, abs=2e-3)  # it takes pairs that share a bucket for ties
    assert metrics["log loss"] == pytest.approx(log_loss(scored.labels, scored.scores.astype("float64")), abs=1e-6)
    assert metrics["calibration"] == pytest.approx(scored.scores.sum() / scored.labels.sum(), rel=1e-5)


def test_average_precision_of_a_few_rows_by_hand():
    scored = Scored(np.array([1, 0, 1, 0], "float32"), np.array([0.9, 0.8, 0.7, 0.1], "float32"))
    assert scored.metrics()["AUC-PR"] == pytest.approx((1 + 2 / 3) / 2)
    assert scored._metrics(np.vstack([scored.blocks.sum(axis=0)] * 2))["AUC-PR"].tolist() == [pytest.approx(5 / 6)] * 2


def test_ties_count_half():
    scored = Scored(np.array([0, 1, 0, 1], "float32"), np.full(4, 0.3, "float32"))
    assert scored.metrics()["AUC"] == 0.5


def test_scores_of_0_and_1_have_a_finite_loss():
    scored = Scored(np.array([0, 1], "float32"), np.array([1, 0], "float32"))
    assert scored.metrics()["log loss"] == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_the_bootstrap_is_as_wide_as_it_should_be():
    """Rows that are independent: the interval of the AUC is that of Hanley and McNeil, within a third."""
    scored = sample(2)
    low, high = np.percentile(scored.draws()["AUC"], INTERVAL)
    auc, positives = scored.metrics()["AUC"], scored.labels.sum()
    negatives = ROWS - positives
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)) / positives / negatives
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.34)
    assert low < auc < high


def test_rows_that_depend_on_their_neighbours_widen_the_interval():
    scored = sample(3)
    order = np.argsort(np.random.default_rng(1).random(ROWS) + 5 * scored.labels)  # all positives in one stretch
    sorted_by_label = Scored(scored.labels[order], scored.scores[order])
    widths = [np.ptp(np.percentile(each.draws()["log loss"], INTERVAL)) for each in (scored, sorted_by_label)]
    assert widths[1] > 2 * widths[0]


def test_the_same_quality_is_stable():
    checks = concept(sample(5), sample(4)).values()
    assert {(check.kind, check.feature, check.verdict, check.reason) for check in checks} == {("concept", "", "stable", "")}
    before = sample(4).metrics()
    assert {check.measure: check.reference for check in checks} == {
        name: before[name] for name in concept(sample(5), sample(4))
    }
    assert [check.limit for check in checks] == [0.01, 0.01, 0.1]


def test_many_rows_of_the_same_quality_are_stable():
    """Their intervals are narrower than the limits."""
    before, now = sample(20, 200_000), sample(21, 200_000)
    checks = concept(now, before)
    assert np.ptp(checks["AUC"].interval) < LIMITS.auc
    assert {check.verdict for check in checks.values()} == {"stable"}


def test_the_interval_is_that_of_a_difference():
    """As wide as the bootstrap's when the reference is known exactly, wider by the root of two when both have as many rows."""
    scored, before = sample(22), published(sample(4))
    low, high = np.percentile(scored.draws()["AUC"], INTERVAL)
    known, alike = (performance.concept(BINARY, scored, before, rows, LIMITS)[0].interval for rows in (10**12, ROWS))
    assert known == (pytest.approx(low), pytest.approx(high))
    assert np.ptp(alike) == pytest.approx(np.sqrt(2) * (high - low))


def test_the_draws_are_the_same_each_time():
    np.testing.assert_array_equal(sample(5).draws()["log loss"], sample(5).draws()["log loss"])


def test_a_model_that_knows_nothing_has_decayed():
    good = sample(6)
    useless = Scored(good.labels, np.random.default_rng(7).permutation(good.scores))
    checks = concept(useless, good)
    assert checks["AUC"].verdict == checks["log loss"].verdict == "decayed"
    assert checks["AUC"].reason.startswith("AUC of the model in production is 0.")
    assert checks["AUC"].reason.endswith(" when published; limit 0.01 worse")
    assert checks["AUC"].interval[0] < checks["AUC"].value < checks["AUC"].interval[1]


def test_calibration_that_improves_is_no_decay():
    good = sample(8)
    off = Scored(good.labels, good.scores * 0.6)
    assert concept(off, good)["calibration"].verdict == "decayed"
    assert concept(good, off)["calibration"].verdict == "stable"
    over = Scored(good.labels, np.minimum(good.scores * 1.6, 1))
    assert concept(over, good)["calibration"].verdict == "decayed"
    slightly = Scored(good.labels, good.scores * 0.95)
    assert concept(slightly, good)["calibration"].verdict == "stable"


def test_one_positive_is_enough_for_the_calibration_and_none_has_no_value():
    one = Scored(np.array([0, 1], "float32"), np.array([0.25, 0.5], "float32"))
    assert one.metrics()["calibration"] == pytest.approx(0.75)
    assert np.isnan(Scored(np.zeros(2, "float32"), one.scores).metrics()["calibration"])


@pytest.mark.filterwarnings("error")
def test_one_class_has_no_auc_and_few_rows_do_not_fail():
    ones = Scored(np.ones(5, "float32"), np.full(5, 0.4, "float32"))
    assert "AUC" not in concept(ones, sample(9))
    assert concept(ones, sample(9))["log loss"].value == pytest.approx(-np.log(0.4), rel=1e-5)
    zeros = Scored(np.zeros(1, "float32"), np.full(1, 0.4, "float32"))
    assert set(concept(zeros, sample(9))) == {"log loss"}


def test_label_drift_wants_an_interval_beyond_the_limit():
    same = performance.label(2200, 10_000, 0.22, 30_000, 0.005)
    assert (same.kind, same.feature, same.measure, same.verdict, same.reason) == (
        "label",
        "",
        "share of positives",
        "stable",
        "",
    )
    assert (same.value, same.reference, same.limit) == (0.22, 0.22, 0.005)
    assert performance.label(2000, 10_000, 0.22, 30_000, 0.005).verdict == "drifted", "fewer count as well"
    assert performance.label(23, 100, 0.2, 30_000, 0.005).verdict == "stable"
    check = performance.label(2400, 10_000, 0.22, 30_000, 0.005)
    assert check.verdict == "drifted"
    assert check.reason == "24.0% of labels are positive, in training 22.0%; limit 0.5% apart"
    assert check.interval == (pytest.approx(0.24 - 0.0096, abs=2e-4), pytest.approx(0.24 + 0.0096, abs=2e-4))


def test_prediction_drift():
    reference, _ = np.histogram(sample(10).scores, 20, (0, 1))
    same = performance.prediction(sample(11).scores, reference.tolist(), 0.01)
    assert (same.kind, same.feature, same.verdict, same.reason) == ("prediction", "", "stable", "")
    assert (same.measure, same.limit) == ("Jensen-Shannon divergence", 0.01)
    assert performance.prediction(sample(11).scores, reference.tolist(), same.value).verdict == "drifted", (
        "at its limit it fires"
    )
    moved = performance.prediction(sample(11).scores * 0.7, reference.tolist(), 0.01)
    assert moved.verdict == "drifted"
    assert moved.value > 0.05
    assert moved.reason.startswith("the model's scores are distributed differently: Jensen-Shannon divergence 0.")


histograms = hnp.arrays("int64", 12, elements=st.integers(0, 1000)).filter(lambda counts: counts.sum() > 0)


@given(histograms, histograms)
def test_jensen_shannon_is_that_of_scipy_symmetric_and_bounded(first, second):
    value = performance.jensen_shannon(first, second)
    assert 0 <= value <= 1 + 1e-9
    assert value == pytest.approx(performance.jensen_shannon(second, first), abs=1e-12)
    assert value == pytest.approx(distance.jensenshannon(first, second, base=2) ** 2, abs=1e-9)
