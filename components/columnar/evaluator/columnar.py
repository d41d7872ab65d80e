"""Run TFMA's combiners on columns instead of rows, and make TFMA's confusion matrices without its loops.

For much of it TFMA has no public names. See components/columnar/README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import binary_confusion_matrices as matrices
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.metrics.binary_confusion_matrices import _EPSILON, _interpolated_thresholds
from tensorflow_model_analysis.metrics.calibration import _WeightedLabelsPredictionsExamplesCombiner as Sums
from tensorflow_model_analysis.metrics.calibration_histogram import Bucket
from tensorflow_model_analysis.metrics.calibration_histogram import _CalibrationHistogramCombiner as Histogram
from tensorflow_model_analysis.metrics.cross_entropy_metrics import _BinaryCrossEntropyCombiner as CrossEntropy
from tensorflow_model_analysis.metrics.example_count import _ExampleCountCombiner as Count

from components.shared.errors import BadData
from components.shared.scored_rows import NEAREST  # whose log loss is compared with this one

ATTRIBUTES = {
    Count: (),
    Sums: ("_key",),
    CrossEntropy: ("_metric_key", "_from_logits", "_cross_entropy"),
    Histogram: ("_key", "_prediction_based_bucketing", "_fractional_labels", "_left", "_range", "_num_buckets"),
}
METRICS = (tfma.metrics.ExampleCount, tfma.metrics.Calibration, tfma.metrics.BinaryCrossEntropy, tfma.metrics.CalibrationPlot)
# The histogram that AUC and others share, and the matrices at as many thresholds that follow from it.
_HISTOGRAM, _MATRICES = (each.keys[0].name for each in matrices.binary_confusion_matrices())
_THRESHOLDS = np.array(_interpolated_thresholds(matrices.DEFAULT_NUM_THRESHOLDS))
_EDGES = _THRESHOLDS + _EPSILON  # a score at a threshold is below it


def check() -> None:
    """Check the attributes that a combiner has only once it is made. Raises AttributeError, as an import would."""
    for metric in METRICS:
        for computation in metric().computations():
            combiner = getattr(computation, "combiner", None)
            if names := ATTRIBUTES.get(type(combiner)):
                attrgetter(*names)(combiner)


check()  # at the import, which comes before any node runs


@dataclass(frozen=True)
class Rows:
    """Rows of a slice: by model, labels (float64, `[rows]`) and scores (float32, `[rows]`)."""

    labels: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.labels.values())))

    def take(self, rows: np.ndarray) -> "Rows":
        """Select rows by their numbers."""
        return Rows(*({name: column[rows] for name, column in columns.items()} for columns in (self.labels, self.scores)))


def covers(computations: list) -> bool:
    """Tell whether `accumulated` can do all of TFMA's computations."""
    return all(
        type(each) is metric_types.DerivedMetricComputation
        or (
            type(each) is metric_types.MetricComputation
            and isinstance(each.combiner, Count | Sums | CrossEntropy | Histogram)
            and all(type(step) is metric_types.StandardMetricInputsPreprocessor for step in each.preprocessors)
            and all(key.sub_key is None for key in each.keys)
            and getattr(each.combiner, "_prediction_based_bucketing", True)
        )
        for each in computations
    )


def accumulated(combiner: Count | Sums | CrossEntropy | Histogram, rows: Rows):
    """Return the accumulator that a combiner of TFMA has after these rows.

    Raises BadData if a score is not a number, or the histogram of scores gets a label outside [0, 1].
    """
    if isinstance(combiner, Count):
        return float(len(rows))
    model = combiner._metric_key.model_name if isinstance(combiner, CrossEntropy) else combiner._key.model_name
    labels, scores = rows.labels[model], rows.scores[model]
    if np.isnan(scores).any():
        raise BadData(f"{np.isnan(scores).sum()} of {len(scores)} scores are NaN; expected numbers. See what the model got.")
    accumulator = combiner.create_accumulator()
    match combiner:
        case Sums():
            accumulator.total_weighted_labels = float(labels.sum())
            accumulator.total_weighted_predictions = float(scores.sum(dtype=np.float64))
            accumulator.total_weighted_examples = float(len(rows))
        case CrossEntropy():
            answers = scores if combiner._from_logits else _within(scores)
            accumulator.total_cross_entropy = combiner._cross_entropy(labels, answers) * len(rows)
            accumulator.total_example_weights = float(len(rows))
        case Histogram():
            accumulator |= _buckets(combiner, labels, scores.astype(np.float64))
    return accumulator


def _within(scores: np.ndarray) -> np.ndarray:
    """Move probabilities away from 0 and 1, where TFMA's cross entropy is infinite or NaN. Other values stay as they are."""
    return np.where((scores >= 0) & (scores <= 1), np.clip(scores, NEAREST, 1 - NEAREST), scores)


def _buckets(histogram: Histogram, labels: np.ndarray, scores: np.ndarray) -> dict[int, Bucket]:
    if histogram._fractional_labels and (outside := ~((labels >= 0) & (labels <= 1))).any():
        raise BadData(f"{outside.sum()} of {len(labels)} labels are outside [0, 1], such as {labels[outside][0]}.")
    # Bucket 0 is for scores below the range, the last one for those from its end on.
    places = np.clip((scores - histogram._left) / histogram._range * histogram._num_buckets + 1, 0, histogram._num_buckets + 1)
    numbers, of_rows = np.unique(places.astype(np.int64), return_inverse=True)
    sums = (np.bincount(of_rows, weights).tolist() for weights in (labels, scores, np.ones_like(scores)))
    return {number: Bucket(number, *each) for number, *each in zip(numbers.tolist(), *sums, strict=True)}


def derived(computation: metric_types.DerivedMetricComputation, metrics: metric_types.MetricsDict) -> metric_types.MetricsDict:
    """Derive what follows from the metrics of a slice; the same as `computation.result(metrics)`."""
    key = computation.keys[0]
    if key.name != _MATRICES:
        return computation.result(metrics)
    return {key: confusion_matrices(metrics[metric_types.PlotKey(name=_HISTOGRAM, model_name=key.model_name)])}


def confusion_matrices(histogram: list[Bucket]) -> matrices.Matrices:
    """Make the matrices at TFMA's 10,000 thresholds of the filled ones of TFMA's 10,002 buckets, in order.

    TFMA's own function makes as many objects for each slice, one by one.
    """
    buckets = matrices.calibration_histogram.DEFAULT_NUM_BUCKETS
    numbers, labels, _, rows = np.array([list(vars(bucket).values()) for bucket in histogram]).T
    begins = np.select([numbers == 0, numbers > buckets], [-np.inf, np.inf], (numbers - 1) / buckets)
    intervals = np.maximum(np.searchsorted(_EDGES, begins, side="right") - 1, 0)
    positives, negatives = (np.bincount(intervals, weights, len(_EDGES)) for weights in (labels, rows - labels))
    true_positives, false_positives = (np.cumsum(counts[::-1])[::-1] for counts in (positives, negatives))
    false_negatives, true_negatives = (np.cumsum(counts) - counts for counts in (positives, negatives))
    # Nothing is above the last threshold, not even scores beyond 1.
    true_positives[-1], false_positives[-1] = 0, 0
    false_negatives[-1], true_negatives[-1] = positives.sum(), negatives.sum()
    return matrices.Matrices(
        _THRESHOLDS.tolist(), *(each.tolist() for each in (true_positives, true_negatives, false_positives, false_negatives))
    )
