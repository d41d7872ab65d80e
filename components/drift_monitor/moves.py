"""Find label and prediction drift of each task: labels against training, answers against those of the published evaluation.

Of numbers also whether labels still lie in the intervals of predictions.

Pure NumPy; an interval must lie beyond its limit as a whole.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from components.drift_monitor import performance
from components.drift_monitor.performance import ModelLimits
from components.model_store.manifest import Manifest
from components.shared.drift_report import Check, checked
from components.shared.metric_names import MEAN_PREDICTION, ROWS
from components.shared.scored_rows import ScoredRows
from components.shared.target import Target
from components.shared.tasks import interval

Published = tuple[FeatureNameStatistics, Manifest]  # of the label in training, and of the version


def moved(target: Target, scored: ScoredRows, published: Published, limits: ModelLimits) -> list[Check]:
    """Check whether labels, and the model's answers, are distributed as they were.

    Args:
        target: the label.
        scored: labels as numbers, and answers, of the newest span.
        published: the label's statistics in training, and the manifest of the version in production.
        limits: of the differences.
    """
    return MOVES[target.task_name](target, scored, published, limits)


def _of_probabilities(target: Target, scored: ScoredRows, published: Published, limits: ModelLimits) -> list[Check]:
    trained_on, manifest = published[0].num_stats, published[1]
    rows, before = len(scored.labels), trained_on.common_stats.num_non_missing
    return [
        performance.label(scored.labels.sum(), rows, trained_on.mean, before, limits.label),
        performance.prediction(scored.scores, manifest.score_histogram, limits.prediction),
    ]


def _of_classes(target: Target, scored: ScoredRows, published: Published, limits: ModelLimits) -> list[Check]:
    trained_on, manifest = published
    rows = trained_on.string_stats.common_stats.num_non_missing
    counts = np.bincount(scored.labels.astype(int), minlength=len(target.classes))
    likeliest = np.bincount(scored.scores.argmax(axis=1), minlength=len(target.classes))
    found = [class_shares(dict(zip(target.classes, counts, strict=True)), target.shares(trained_on), rows, limits.label)]
    histogram = np.zeros(len(target.classes))
    histogram[: len(manifest.score_histogram)] = manifest.score_histogram  # without the last classes if none was the likeliest
    return [*found, performance.divergence(likeliest, histogram, limits.prediction)]


def class_shares(counts: Mapping[str, int], reference: Mapping[str, float], reference_rows: float, limit: float) -> Check:
    """Compare the shares of classes, and report the one that is the farthest beyond its limit.

    The interval is the normal one of a difference of two shares, as wide as so many comparisons at once want it (Bonferroni).

    Args:
        counts: labels of the newest span by class.
        reference: share of each class in training.
        reference_rows: training rows.
        limit: of the difference.
    """
    rows, wider = sum(counts.values()), performance.normal(len(counts))
    found = []
    for name, count in counts.items():
        share, before = count / rows, reference[name]
        error = wider * np.sqrt(share * (1 - share) / rows + before * (1 - before) / reference_rows)
        found.append((abs(share - before) - error, name, share, before, error))
    beyond, name, share, before, error = max(found)
    reason = f"{share:.1%} of labels are {name}, in training {before:.1%}; limit {limit:.1%} apart"
    figures: dict[str, Any] = {"value": share, "reference": before, "interval": (share - error, share + error), "limit": limit}
    return checked(bool(beyond > limit), reason, kind="label", measure=f"share of {name}", **figures)


def _of_numbers(_: Target, scored: ScoredRows, published: Published, limits: ModelLimits) -> list[Check]:
    trained_on, manifest = published[0].num_stats, published[1]
    unit = trained_on.std_dev or 1.0
    in_training = trained_on.mean, trained_on.common_stats.num_non_missing
    found = [shift("label", scored.labels, in_training, unit, limits.shift)]
    if (mean := manifest.overall.get(MEAN_PREDICTION)) is not None:
        found.append(shift("prediction", scored.scores, (mean, manifest.overall[ROWS]), unit, limits.shift))
    if ends := interval(manifest.overall):
        found.append(performance.coverage(scored, ends, manifest.overall[ROWS], limits.coverage))
    return found


def shift(kind: str, values: np.ndarray, reference: tuple[float, float], unit: float, limit: float) -> Check:
    """Compare a mean with an earlier one, in standard deviations of the label; the interval is the normal one of a difference.

    Args:
        kind: "label" or "prediction".
        values: of the newest span, shape [rows].
        reference: the earlier mean, and of how many rows it was.
        unit: the label's standard deviation in training.
        limit: of the difference, in units.
    """
    mean, deviation = float(np.mean(values, dtype="float64")), float(np.std(values, dtype="float64"))
    before, rows = reference
    error = 1.96 * deviation * np.sqrt(1 / len(values) + 1 / rows)
    away = (abs(mean - before) - error) / unit
    reason = f"the mean {kind} is {mean:.4g}, was {before:.4g}; limit {limit:g} standard deviations of the label apart"
    figures: dict[str, Any] = {
        "value": mean,
        "reference": before,
        "interval": (mean - error, mean + error),
        "limit": limit * unit,
    }
    return checked(bool(away > limit), reason, kind=kind, measure=f"mean {kind}", **figures)


MOVES: dict[str, Callable[[Target, ScoredRows, Published, ModelLimits], list[Check]]] = {
    "binary": _of_probabilities,
    "multiclass": _of_classes,
    "regression": _of_numbers,
}
