"""Run TFMA's combiners on columns instead of rows: the table of those that can be, by class.

For most of it TFMA has no public names. See components/columnar/README.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics.metric_types import (
    DerivedMetricComputation,
    MetricComputation,
    StandardMetricInputsPreprocessor,
)
from tensorflow_model_analysis.metrics.tf_metric_wrapper import tf_metric_computations
from tensorflow_model_analysis.utils.keras_lib import tf_keras

from components.columnar.evaluator import binary, classes, keras_means, sums
from components.columnar.evaluator.rows import ANY, NONE, NUMBERS, Kinds, Rows
from components.evaluator.error_quantiles import ErrorsCombiner


@dataclass(frozen=True)
class OnColumns:
    """How a class of combiners runs on columns.

    Attributes:
        accumulated: returns the accumulator that a combiner of the class has after the rows, at least one, of a slice. Raises
            BadData or NotAScore for what `Rows` refuses.
        kinds: returns the kinds of answers that `accumulated` takes for a combiner; none, if it cannot do what that is set to.
        private: attributes of a combiner that the two rest on, and the library does not promise.
    """

    accumulated: Callable[[Any, Rows], Any]
    kinds: Callable[[Any], Kinds]
    private: tuple[str, ...] = ()


def _of_numbers(_: Any) -> Kinds:
    return NUMBERS


def _of_any(_: Any) -> Kinds:
    return ANY


# A class of combiners that is not here, or a subclass, has TFMA's own way for the whole evaluation.
ON_COLUMNS: dict[type, OnColumns] = {
    sums.Count: OnColumns(sums.count, _of_any),
    sums.Sums: OnColumns(sums.sums, _of_numbers, ("_key",)),
    sums.AbsoluteErrors: OnColumns(sums.absolute_errors, _of_numbers, ("_metric_key",)),
    sums.Correlation: OnColumns(sums.correlation, _of_numbers, ("_key",)),
    ErrorsCombiner: OnColumns(sums.errors_of, _of_numbers),
    binary.CrossEntropy: OnColumns(binary.cross_entropy, _of_numbers, ("_metric_key", "_from_logits", "_cross_entropy")),
    binary.Histogram: OnColumns(
        binary.histogram,
        binary.histogram_kinds,
        ("_key", "_prediction_based_bucketing", "_fractional_labels", "_left", "_range", "_num_buckets"),
    ),
    classes.Confusion: OnColumns(classes.confusion, classes.kinds, ("_key", "_thresholds")),
    keras_means.KerasMetrics: OnColumns(
        keras_means.means,
        keras_means.kinds,
        ("_model_name", "_output_names", "_metric_configs", "_loss_configs", "_custom_objects"),
    ),
}
METRICS = (  # whose computations have one of each of TFMA's classes above
    tfma.metrics.ExampleCount,
    tfma.metrics.Calibration,
    tfma.metrics.MeanAbsoluteError,
    tfma.metrics.SquaredPearsonCorrelation,
    tfma.metrics.BinaryCrossEntropy,
    tfma.metrics.CalibrationPlot,
    tfma.metrics.MultiClassConfusionMatrixPlot,
)


def check() -> None:
    """Check the attributes that a combiner has only once it is made. Raises AttributeError, as an import would."""
    for combiner in _combiners():
        if type(combiner) in ON_COLUMNS and (names := ON_COLUMNS[type(combiner)].private):
            attrgetter(*names)(combiner)


def _combiners() -> Iterator[Any]:
    for metric in METRICS:
        yield from (getattr(each, "combiner", None) for each in metric().computations())
    # Of a loss, which is held as a metric is: making a metric of Keras' starts TensorFlow's threads, and the runner is to fork.
    yield from (each.combiner for each in tf_metric_computations([tf_keras.losses.MeanSquaredError()]))


check()  # at the import, which comes before any node runs


def kinds(computations: list) -> Kinds:
    """Return the kinds of answers of which `accumulated` can do all of TFMA's computations; none, if it cannot do them."""
    return ANY.intersection(*(_kinds(each) for each in computations if type(each) is not DerivedMetricComputation))


def _kinds(computation: Any) -> Kinds:
    if (
        type(computation) is not MetricComputation
        or any(type(step) is not StandardMetricInputsPreprocessor for step in computation.preprocessors)
        or any(key.sub_key is not None for key in computation.keys)
        or type(computation.combiner) not in ON_COLUMNS
    ):
        return NONE
    return ON_COLUMNS[type(computation.combiner)].kinds(computation.combiner)


def accumulated(combiner: Any, rows: Rows) -> Any:
    """Return the accumulator that a combiner of `ON_COLUMNS` has after these rows. Raises BadData, NotAScore; see there."""
    return ON_COLUMNS[type(combiner)].accumulated(combiner, rows)
