"""What is measured beyond TFMA: intervals, against simulations whose truth is known; curves, importance, losses."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.run_report import measures
from components.shared.scored_rows import Scored
from components.shared.tasks import BINARY

DAYS, ROWS = 10, 400
SAMPLE = 2000  # rows whose importance is measured


def world(seed: int):
    """Labels, two models' scores and the days: each day has its own share of positives, and each model its good days."""
    random = np.random.default_rng(seed)
    days = np.repeat(np.arange(DAYS), ROWS)
    base = random.normal(-1, 0.8, DAYS)[days]
    x, y = random.normal(size=(2, len(days)))
    labels = (random.random(len(days)) < 1 / (1 + np.exp(-(base + 0.9 * x + 0.9 * y)))).astype(int)
    of_day = 0.8 + random.normal(0, 0.25, (2, DAYS))
    first, second = 0.3 * base + of_day[0][days] * x + 0.5 * y, 0.3 * base + 0.5 * x + of_day[1][days] * y
    return labels, 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-second)), days


def interval(labels, first, second, days) -> tuple[float, float]:
    models = [Scored(labels, scores, days) for scores in (first, second)]
    draws = models[0].draws()["AUC"] - models[1].draws()["AUC"]
    value = models[0].metrics()["AUC"] - models[1].metrics()["AUC"]
    return measures.interval(value, draws, len(models[0].blocks))


def test_the_interval_by_day_holds_the_truth_as_often_as_it_says():
    """Two models that are equally good: in 94 of 100 of 400 worlds, in 78 of 100 if thirds of a day are the blocks."""
    held = {"days": 0, "rows": 0}
    for seed in range(60):
        labels, first, second, days = world(seed)
        for name, known in (("days", days), ("rows", None)):
            low, high = interval(labels, first, second, known)
            held[name] += low <= 0 <= high
    assert held["days"] >= 52
    assert held["rows"] < held["days"]


def test_days_in_any_order_are_blocks():
    labels, first, second, days = world(1)
    order = np.random.default_rng(2).permutation(len(days))
    shuffled = interval(labels[order], first[order], second[order], days[order])
    assert shuffled == pytest.approx(interval(labels, first, second, days), abs=1e-9)


@pytest.mark.parametrize(
    ("better", "candidate", "production", "said"),
    [
        ("higher", (0.70, 0.72), (0.60, 0.62), "better"),
        ("higher", (0.60, 0.62), (0.70, 0.72), "worse"),
        ("lower", (0.60, 0.62), (0.70, 0.72), "better"),
        ("higher", (0.60, 0.72), (0.66, 0.66), "undecided"),
        ("nearer 1", (0.95, 0.97), (1.20, 1.22), "better"),
        ("nearer 1", (1.30, 1.32), (0.95, 0.97), "worse"),
        ("nearer 1", (0.78, 0.82), (1.22, 1.18), "undecided"),  # as far from 1 on the other side
    ],
)
def test_a_word_of_comparison_needs_an_interval_without_zero(better, candidate, production, said):
    mine, its = np.linspace(*candidate, 500), np.linspace(*production, 500)
    assert measures.verdict(better, mine, its, (mine.mean(), its.mean()), blocks=30) == said


def test_too_few_days_or_no_values_say_nothing():
    assert measures.interval(0.1, np.array([0.1, 0.2]), blocks=2) is None
    assert measures.interval(0.1, np.full(3, np.nan), blocks=30) is None
    assert measures.verdict("higher", np.ones(5), np.zeros(5), (1.0, 0.0), blocks=2) == "undecided"


def of(labels, scores):
    return measures.curves(Scored(np.asarray(labels), np.asarray(scores, "float32")))


def rank_auc(labels, scores) -> float:
    """Share of the pairs of a positive and a negative that are in order; ties count half (Mann and Whitney 1947)."""
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    return float(((pairs > 0) + (pairs == 0) / 2).mean())


def test_points_of_four_rows():
    found = of([1, 0, 1, 0], [0.9, 0.9, 0.5, 0.1])
    assert found.roc == [(0, 0), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert found.precision_recall == [(0.5, 0.5), (1, pytest.approx(2 / 3, abs=1e-6)), (1, 0.5)]
    assert found.calibration == [
        (pytest.approx(0.1, abs=1e-6), 0, 1),
        (0.5, 1, 1),
        (pytest.approx(0.9, abs=1e-6), 0.5, 2),
    ]
    assert found.positives[10] == 0.5
    assert sum(found.positives) == sum(found.negatives) == 1


rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=80).filter(
    lambda drawn: len({label for label, _ in drawn}) == 2
)


@settings(deadline=None)
@given(rows)
def test_the_area_below_the_roc_is_the_share_of_pairs_in_order(drawn):
    labels, scores = (np.array(column) for column in zip(*drawn, strict=True))
    scores = scores / 20
    found = of(labels, scores)
    x, y = zip(*found.roc, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(rank_auc(labels, scores), abs=1e-4)
    assert list(x) == sorted(x)
    assert list(y) == sorted(y)
    recall = [point[0] for point in found.precision_recall]
    assert recall == sorted(recall)
    assert recall[-1] == 1
    assert sum(count for *_, count in found.calibration) == len(labels)
    assert len(found.positives) == len(found.negatives) == measures.BUCKETS


def test_curves_of_many_rows_are_thinned_and_keep_their_shape():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 4000)
    scores = 1 / (1 + np.exp(-random.normal(labels, 1)))
    found = of(labels, scores)
    assert len(found.roc) <= measures.POINTS
    assert len(found.precision_recall) <= measures.POINTS
    assert (found.roc[0], found.roc[-1]) == ((0, 0), (1, 1))
    assert found.precision_recall[-1] == (1, pytest.approx(labels.mean(), abs=1e-6))
    x, y = zip(*found.roc, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(rank_auc(labels, scores), abs=0.002)
    assert max(np.diff([recall for recall, _ in found.precision_recall])) < 0.02


def columns() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "noise": random.uniform(size=SAMPLE),
        "signal": random.uniform(size=SAMPLE),
        "shop": random.choice(np.array([b"A", b"B"], object), SAMPLE),
    }


def by_signal(of) -> np.ndarray:
    """Does not look at the noise."""
    return 0.8 * of["signal"] + 0.2 * (of["shop"] == b"A")


def labels(of) -> np.ndarray:
    return (np.random.default_rng(1).uniform(size=SAMPLE) < by_signal(of)).astype(int)


def test_what_the_model_uses_is_told_from_what_it_does_not():
    given = columns()
    found = measures.importance(by_signal, given, labels(given), BINARY)
    assert [each.feature for each in found] == ["signal", "shop", "noise"]
    assert found[0].lost > 0.15
    assert 0 < found[1].lost < 0.1
    assert (found[2].lost, found[2].spread) == (0, 0)
    assert 0 < found[0].spread < 0.03


def test_a_perfect_feature_loses_what_is_better_than_chance():
    given = columns()
    truth = (given["signal"] > 0.5).astype(int)
    [signal, *_] = measures.importance(lambda of: of["signal"], given, truth, BINARY)
    assert signal.lost == pytest.approx(0.5, abs=0.04)


def test_it_is_repeatable_and_leaves_its_rows_as_they_were():
    given, truth = columns(), labels(columns())
    first = measures.importance(by_signal, given, truth, BINARY)
    assert measures.importance(by_signal, given, truth, BINARY) == first
    for name, column in columns().items():
        np.testing.assert_array_equal(given[name], column)


def write(folder, by_epoch) -> None:
    """As Keras' TensorBoard callback does."""
    with tf.summary.create_file_writer(str(folder)).as_default():
        for epoch, loss in by_epoch.items():
            tf.summary.scalar("epoch_auc", 0.7, step=epoch)
            tf.summary.scalar("epoch_loss", loss, step=epoch)


def test_every_epoch_is_there_in_order(tmp_path):
    expected = [1 / (epoch + 1) for epoch in range(40)]
    write(tmp_path / "train", dict(enumerate(expected)))
    write(tmp_path / "validation", {0: 0.5, 1: 0.25})
    assert measures.losses(tmp_path) == {"train": pytest.approx(expected), "eval": [0.5, 0.25]}


def test_a_run_that_was_taken_up_again_goes_on_where_it_was(tmp_path):
    write(tmp_path / "train", {0: 0.5, 1: 0.25})
    write(tmp_path / "train", {1: 0.125, 2: 0.0625})
    assert measures.losses(tmp_path)["train"] == [0.5, 0.125, 0.0625]


def test_a_loss_that_diverges_ends_the_curve(tmp_path):
    write(tmp_path / "train", {0: 0.5, 1: float("nan"), 2: 0.5})
    assert measures.losses(tmp_path) == {"train": [0.5]}


def test_nothing_was_logged(tmp_path):
    assert measures.losses(tmp_path) == {}
    (tmp_path / "train").mkdir()
    assert measures.losses(tmp_path) == {}
