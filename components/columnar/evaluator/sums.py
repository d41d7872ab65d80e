"""Sum up numbers as the combiners of counts, means, absolute errors, correlations and quantiles of errors do."""

import numpy as np
from tensorflow_model_analysis.metrics.calibration import _WeightedLabelsPredictionsExamplesCombiner as Sums
from tensorflow_model_analysis.metrics.example_count import _ExampleCountCombiner as Count
from tensorflow_model_analysis.metrics.mean_regression_error import _MeanAbsoluteErrorCombiner as AbsoluteErrors
from tensorflow_model_analysis.metrics.squared_pearson_correlation import _SquaredPearsonCorrelationCombiner as Correlation

from components.columnar.evaluator.rows import Rows
from components.evaluator.error_quantiles import ErrorsCombiner, errors

# TFMA takes the correlation from sums of squares: far from 0, like those of 1,000,000 ± 1, float64 leaves no digit of it, and
# may leave NaN. What x86-64 has beyond float64 leaves six.
WIDE = np.longdouble


def count(_: Count, rows: Rows):
    """Return the accumulator of the number of rows."""
    return float(len(rows))


def sums(combiner: Sums, rows: Rows):
    """Return the accumulator of the sums of labels and scores, which means and calibration are made of."""
    labels, scores = rows.numbers(combiner._key.model_name)
    accumulator = combiner.create_accumulator()
    accumulator.total_weighted_labels = float(labels.sum())
    accumulator.total_weighted_predictions = float(scores.sum(dtype=np.float64))
    accumulator.total_weighted_examples = float(len(rows))
    return accumulator


def absolute_errors(combiner: AbsoluteErrors, rows: Rows):
    """Return the accumulator of the sum of absolute errors."""
    labels, scores = rows.numbers(combiner._metric_key.model_name)
    accumulator = combiner.create_accumulator()
    accumulator.total_regression_error = float(np.abs(labels - scores).sum())
    accumulator.total_example_weights = float(len(rows))
    return accumulator


def correlation(combiner: Correlation, rows: Rows):
    """Return the accumulator of the sums of squares and products, which the squared correlation is made of."""
    labels, scores = (each.astype(WIDE) for each in rows.numbers(combiner._key.model_name))
    accumulator = combiner.create_accumulator()
    accumulator.total_weighted_labels = labels.sum()
    accumulator.total_weighted_predictions = scores.sum()
    accumulator.total_weighted_squared_labels = (labels**2).sum()
    accumulator.total_weighted_squared_predictions = (scores**2).sum()
    accumulator.total_weighted_labels_times_predictions = (labels * scores).sum()
    accumulator.total_weighted_examples = float(len(rows))
    return accumulator


def errors_of(combiner: ErrorsCombiner, rows: Rows):
    """Return the accumulator of all errors, of which quantiles are taken."""
    return [errors(*rows.numbers(combiner.keys[0].model_name))]
