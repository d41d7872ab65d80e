"""Compute the curves of models whose answers are classes or numbers. Pure NumPy."""

from collections.abc import Callable, Sequence

import numpy as np

from components.run_report.facts import ClassCurves, Curves, NumberCurves
from components.run_report.measures import calibration, curves, rounded
from components.shared.scored_rows import ScoredRows
from components.shared.target import Target

PARTS = 20  # of the rows, by prediction
BINS = 41  # of the residuals, an odd number: one has zero in its middle
MIDDLE = (10, 90)  # percentiles
SHOWN = (0.5, 99.5)  # percentiles of the residuals, at which the bins end


def of_target(target: Target, scored: ScoredRows) -> Curves | ClassCurves | NumberCurves:
    """Compute the curves of one model, whose answers must be measurable."""
    return CURVES[target.task_name](scored, target.classes)


def of_classes(scored: ScoredRows, classes: Sequence[str]) -> ClassCurves:
    """Compute the confusion matrix, and the calibration of the likeliest class."""
    labels, likeliest = scored.labels.astype(int), scored.scores.argmax(axis=1)
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (labels, likeliest), 1)
    rows = counts.sum(axis=1)
    return ClassCurves(
        classes=list(classes),
        confusion=[rounded(row) for row in counts / np.maximum(rows, 1)[:, None]],
        rows=rows.astype(int).tolist(),
        calibration=calibration(scored.scores.max(axis=1), likeliest == labels),
    )


def of_numbers(scored: ScoredRows, _: Sequence[str] = ()) -> NumberCurves:
    """Compute how labels follow predictions, and the distribution of the residuals."""
    order = np.argsort(scored.scores, kind="stable")
    fit = []
    for part in np.array_split(order, min(PARTS, len(order))):
        of_part = scored.labels[part].astype("float64")
        low, high = np.percentile(of_part, MIDDLE)
        fit.append((float(np.mean(scored.scores[part], dtype="float64")), float(of_part.mean()), float(low), float(high)))
    residuals = scored.labels.astype("float64") - scored.scores
    end = float(np.abs(np.percentile(residuals, SHOWN)).max()) or 1.0
    edges = np.linspace(-end, end, BINS + 1)
    counts, _edges = np.histogram(np.clip(residuals, -end, end), edges)
    return NumberCurves(fit=fit, edges=edges.tolist(), residuals=rounded(counts / len(residuals)))


CURVES: dict[str, Callable[[ScoredRows, Sequence[str]], Curves | ClassCurves | NumberCurves]] = {
    "binary": lambda scored, _: curves(scored),
    "multiclass": of_classes,
    "regression": of_numbers,
}
