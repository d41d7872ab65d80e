"""Fill the means of Keras' metrics, which TFMA keeps as their weights: a sum over rows, and the count of rows."""

from collections.abc import Callable

import numpy as np
from tensorflow_model_analysis.metrics.tf_metric_wrapper import _CompilableMetricsCombiner as KerasMetrics

from components.columnar.evaluator.rows import CLASSES, NONE, NUMBERS, Kinds, Rows
from components.shared.scored_rows import NEAREST  # which is Keras' own

OfRows = Callable[[np.ndarray, np.ndarray], np.ndarray]
PLAIN = {"dtype": "float32", "from_logits": False, "ignore_class": None, "axis": -1}  # settings, as Keras has them by default


def right(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Tell of each row, `[rows]`, whether its class is the likeliest; of equal ones, the first is."""
    return scores.argmax(axis=1) == labels


def log_losses(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return each row's negative logarithm of the probability of its class, `[rows]`, in nats, of at most 16.1.

    As Keras does, probabilities are moved away from 0 and 1, and made to add up to 1 after that.
    """
    near = np.clip(scores.astype(np.float64), NEAREST, 1 - NEAREST)
    return np.log(near.sum(axis=1)) - np.log(near[np.arange(len(labels)), labels])


def squared_errors(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return each row's squared error, `[rows]`, of whose mean Keras takes the root."""
    return (scores - labels) ** 2


# By the name of Keras' class.
OF_CLASSES: dict[str, OfRows] = {"SparseCategoricalAccuracy": right, "SparseCategoricalCrossentropy": log_losses}
OF_NUMBERS: dict[str, OfRows] = {"RootMeanSquaredError": squared_errors}


def kinds(combiner: KerasMetrics) -> Kinds:
    """Return the kinds of answers that `means` takes; none, if one of the combiner's metrics is another or set otherwise."""
    stated = [metric for output in combiner._metric_configs for metric in output]
    settings = [{name: value for name, value in each["config"].items() if name != "name"} for each in stated]
    if (
        combiner._output_names != [""]
        or any(combiner._loss_configs)
        or any(not module.startswith("tf_keras.") for module, _ in combiner._custom_objects)
        or any(not each.items() <= PLAIN.items() for each in settings)
    ):
        return NONE
    names = {each["class_name"] for each in stated}
    return (CLASSES if names <= OF_CLASSES.keys() else NONE) | (NUMBERS if names <= OF_NUMBERS.keys() else NONE)


def means(combiner: KerasMetrics, rows: Rows):
    """Return the accumulator of all metrics of a combiner."""
    accumulator, model = combiner.create_accumulator(), combiner._model_name
    names = [stated["class_name"] for stated in combiner._metric_configs[0]]
    columns = rows.classes(model) if OF_CLASSES.keys() & names else rows.numbers(model)
    for place, name in enumerate(names):
        of_rows = (OF_CLASSES | OF_NUMBERS)[name](*columns)
        accumulator.add_weights(0, place, np.array([of_rows.sum(), len(of_rows)]))  # the first and only output
    return accumulator
