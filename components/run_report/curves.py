"""Compute ROC, precision-recall, calibration and the distribution of scores, from labels and scores. Pure NumPy."""

import numpy as np

from components.run_report.facts import Curves
from components.shared.scored_rows import Scored

POINTS = 100  # of a curve: more cannot be seen
BUCKETS = 20  # of the score, equally wide over [0, 1]


def curves(scored: Scored) -> Curves:
    """Compute the curves of one model; its labels must hold both classes, its scores be from 0 to 1."""
    order = np.argsort(-scored.scores, kind="stable")
    scores, labels = scored.scores[order], scored.labels[order]
    last = np.append(np.diff(scores) != 0, True)  # no threshold separates rows of one score
    hits, alarms = np.cumsum(labels)[last], np.cumsum(1 - labels)[last]
    recall, false = hits / hits[-1], alarms / alarms[-1]
    start = np.zeros(1)
    counts = [np.histogram(scores[labels == kind], BUCKETS, (0, 1))[0] for kind in (0, 1)]
    return Curves(
        roc=_thinned(np.append(start, false), np.append(start, recall), np.append(start, false + recall)),
        precision_recall=_thinned(recall, hits / (hits + alarms), recall),
        calibration=_calibration(scores, labels),
        negatives=_rounded(counts[0] / alarms[-1]),
        positives=_rounded(counts[1] / hits[-1]),
    )


def _calibration(scores: np.ndarray, labels: np.ndarray) -> list[tuple[float, float, int]]:
    """Return mean score, share of positives and rows of each bucket that has rows."""
    bucket = np.minimum((scores * BUCKETS).astype(int), BUCKETS - 1)
    rows = np.bincount(bucket, minlength=BUCKETS)
    some = rows > 0
    means = [np.bincount(bucket, values, BUCKETS)[some] / rows[some] for values in (scores, labels)]
    return list(zip(*map(_rounded, means), rows[some].tolist(), strict=True))


def _thinned(x: np.ndarray, y: np.ndarray, along: np.ndarray) -> list[tuple[float, float]]:
    """Keep at most `POINTS` points, with the first and the last, evenly spread over `along`, which ascends."""
    even = np.searchsorted(along, np.linspace(along[0], along[-1], POINTS - 1))
    chosen = np.arange(len(x)) if len(x) <= POINTS else np.unique(np.append(even, len(x) - 1))
    return list(zip(_rounded(x[chosen]), _rounded(y[chosen]), strict=True))


def _rounded(values: np.ndarray) -> list[float]:
    return values.astype("float64").round(6).tolist()
