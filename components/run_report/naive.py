"""Measure what a candidate has to beat: an answer that knows the labels of the training rows, and no feature. Pure NumPy."""

import numpy as np
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from components.shared.scored import scored
from components.shared.scored_rows import ScoredRows
from components.shared.target import Target


def naive(target: Target, trained_on: FeatureNameStatistics, rows: ScoredRows) -> dict[str, float]:
    """Measure one answer to all rows: the mean training label or, of classes, the shares of each among the training rows.

    Args:
        target: the label.
        trained_on: statistics of the label in the training split.
        rows: of an evaluation, whose answers are not looked at.

    Returns:
        Each metric by its name; those without a value, as a correlation with what never moves, are left out.
    """
    answer = list(target.shares(trained_on).values()) if target.classes else trained_on.num_stats.mean
    answers = np.broadcast_to(np.asarray(answer, "float64"), rows.scores.shape)
    found = scored(target.task, rows.labels, answers)
    return {name: value for name, value in found.metrics().items() if np.isfinite(value)} if found.measurable else {}
