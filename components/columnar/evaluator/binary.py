"""Make the accumulators of TFMA's log loss and histogram of scores, and its confusion matrices without its loops."""

import numpy as np
from tensorflow_model_analysis.metrics import binary_confusion_matrices as matrices
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.metrics.binary_confusion_matrices import _EPSILON, _interpolated_thresholds
from tensorflow_model_analysis.metrics.calibration_histogram import Bucket
from tensorflow_model_analysis.metrics.calibration_histogram import _CalibrationHistogramCombiner as Histogram
from tensorflow_model_analysis.metrics.cross_entropy_metrics import _BinaryCrossEntropyCombiner as CrossEntropy

from components.columnar.evaluator.rows import NONE, NUMBERS, Kinds, Rows
from components.shared.errors import BadData
from components.shared.scored_rows import NEAREST  # whose log loss is compared with this one

# The histogram that AUC and others share, and the matrices at as many thresholds that follow from it.
_HISTOGRAM, _MATRICES = (each.keys[0].name for each in matrices.binary_confusion_matrices())
_THRESHOLDS = np.array(_interpolated_thresholds(matrices.DEFAULT_NUM_THRESHOLDS))
_EDGES = _THRESHOLDS + _EPSILON  # a score at a threshold is below it


def cross_entropy(combiner: CrossEntropy, rows: Rows):
    """Return the accumulator of the log loss."""
    labels, scores = rows.numbers(combiner._metric_key.model_name)
    accumulator = combiner.create_accumulator()
    answers = scores if combiner._from_logits else _within(scores)
    accumulator.total_cross_entropy = combiner._cross_entropy(labels, answers) * len(rows)
    accumulator.total_example_weights = float(len(rows))
    return accumulator


def histogram_kinds(combiner: Histogram) -> Kinds:
    """Return the kinds of answers that `histogram` takes: none, if its buckets are of labels instead of scores."""
    return NUMBERS if combiner._prediction_based_bucketing else NONE


def histogram(combiner: Histogram, rows: Rows):
    """Return the accumulator of the histogram of scores. Raises BadData if it cannot hold a label, outside of [0, 1]."""
    labels, scores = rows.numbers(combiner._key.model_name)
    return combiner.create_accumulator() | _buckets(combiner, labels, scores.astype(np.float64))


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
