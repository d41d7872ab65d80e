"""A metric of TFMA's for labels that are numbers: two quantiles of the errors, which make intervals of predictions."""

import math
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_util

from components.shared.metric_names import ERROR_HIGH, ERROR_LOW
from components.shared.tasks import COVERED


class ErrorQuantiles(tfma.metrics.Metric):
    """Finds how far labels lie below and above predictions: a new label is within both ends with probability `COVERED`.

    It has two values, `error_low` and `error_high`, in the label's unit: a row's interval is its prediction with each of them
    added. They are the errors (label less prediction) of rank floor((n + 1) a/2) and ceil((n + 1) (1 - a/2)) among n rows, with
    a = 1 - `COVERED`: split conformal prediction with a quantile for each side (Vovk, Gammerman and Shafer 2005; Romano,
    Patterson and Candès 2019). It holds for rows that are exchangeable with those, whatever the model. NaN where there are too
    few rows for such ranks.
    """

    def __init__(self):
        super().__init__(metric_util.merge_per_key_computations(_computations), name=ERROR_LOW)


def _computations(name: str, eval_config=None, model_name: str = "", output_name: str = "") -> tfma.metrics.MetricComputations:
    keys = [tfma.metrics.MetricKey(each, model_name=model_name, output_name=output_name) for each in (name, ERROR_HIGH)]
    return [tfma.metrics.MetricComputation(keys=keys, preprocessors=None, combiner=ErrorsCombiner(keys, eval_config))]


class ErrorsCombiner(beam.CombineFn):
    """Keeps all errors, four bytes a row; the accumulator is a list of float32 arrays."""

    def __init__(self, keys: list[tfma.metrics.MetricKey], eval_config):
        self.keys, self._eval_config = keys, eval_config

    def create_accumulator(self) -> list[np.ndarray]:
        return []

    def add_input(self, accumulator: list[np.ndarray], element: tfma.metrics.StandardMetricInputs) -> list[np.ndarray]:
        key = self.keys[0]
        found = metric_util.to_label_prediction_example_weight(
            element, eval_config=self._eval_config, model_name=key.model_name, output_name=key.output_name
        )
        return accumulator + [errors(label, prediction) for label, prediction, _ in found]

    def merge_accumulators(self, accumulators: Iterable[list[np.ndarray]]) -> list[np.ndarray]:
        return [np.concatenate(parts)] if (parts := [part for each in accumulators for part in each]) else []

    def compact(self, accumulator: list[np.ndarray]) -> list[np.ndarray]:
        return self.merge_accumulators([accumulator])

    def extract_output(self, accumulator: list[np.ndarray]) -> dict[tfma.metrics.MetricKey, float]:
        return dict(zip(self.keys, quantiles(np.concatenate(accumulator or [np.array([])])), strict=True))


def errors(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return how far labels lie above predictions, float32, shape [rows], from two arrays of so many values each."""
    return np.ravel(np.asarray(labels, "float64") - np.asarray(predictions, "float64")).astype("float32")


def quantiles(of_errors: np.ndarray) -> tuple[float, float]:
    """Return the lower and the upper quantile of errors, shape [rows], as `ErrorQuantiles` has them."""
    beside = (1 - COVERED) / 2
    places = (len(of_errors) + 1) * np.array([beside, 1 - beside])
    below, above = math.floor(round(places[0], 6)), math.ceil(round(places[1], 6))  # 20 * 0.05 is 0.9999999999999998
    if below < 1 or not np.isfinite(of_errors).all():
        return math.nan, math.nan
    found = np.partition(of_errors, [below - 1, above - 1])
    return float(found[below - 1]), float(found[above - 1])
