import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.run_report.curves import BUCKETS, POINTS, curves
from components.shared.scored_rows import Scored


def of(labels, scores):
    return curves(Scored(np.asarray(labels), np.asarray(scores, "float32")))


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
    assert len(found.positives) == len(found.negatives) == BUCKETS


def test_curves_of_many_rows_are_thinned_and_keep_their_shape():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 4000)
    scores = 1 / (1 + np.exp(-random.normal(labels, 1)))
    found = of(labels, scores)
    assert len(found.roc) <= POINTS
    assert len(found.precision_recall) <= POINTS
    assert (found.roc[0], found.roc[-1]) == ((0, 0), (1, 1))
    assert found.precision_recall[-1] == (1, pytest.approx(labels.mean(), abs=1e-6))
    x, y = zip(*found.roc, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(rank_auc(labels, scores), abs=0.002)
    assert max(np.diff([recall for recall, _ in found.precision_recall])) < 0.02
