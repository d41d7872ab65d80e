"""The parts of TFMA's metrics for which TFMA has no public names. See components/columnar/README.md."""

from operator import attrgetter

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics.binary_confusion_matrices import _EPSILON as EPSILON
from tensorflow_model_analysis.metrics.binary_confusion_matrices import _interpolated_thresholds as interpolated_thresholds
from tensorflow_model_analysis.metrics.calibration import _WeightedLabelsPredictionsExamplesCombiner as Sums
from tensorflow_model_analysis.metrics.calibration_histogram import _CalibrationHistogramCombiner as Histogram
from tensorflow_model_analysis.metrics.cross_entropy_metrics import _BinaryCrossEntropyCombiner as CrossEntropy
from tensorflow_model_analysis.metrics.example_count import _ExampleCountCombiner as Count

__all__ = ["EPSILON", "Count", "CrossEntropy", "Histogram", "Sums", "interpolated_thresholds"]

ATTRIBUTES = {
    Count: (),
    Sums: ("_key",),
    CrossEntropy: ("_metric_key", "_from_logits", "_cross_entropy"),
    Histogram: ("_key", "_prediction_based_bucketing", "_fractional_labels", "_left", "_range", "_num_buckets"),
}
METRICS = (tfma.metrics.ExampleCount, tfma.metrics.Calibration, tfma.metrics.BinaryCrossEntropy, tfma.metrics.CalibrationPlot)


def check() -> None:
    """Check the attributes that a combiner has only once it is made. Raises AttributeError, as an import would."""
    for metric in METRICS:
        for computation in metric().computations():
            combiner = getattr(computation, "combiner", None)
            if names := ATTRIBUTES.get(type(combiner)):
                attrgetter(*names)(combiner)


check()  # at the import, which comes before any node runs
