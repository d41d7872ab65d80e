"""What a configuration of TFMA's asks for: whether that is done on columns, of which, and by which computations."""

from collections.abc import Iterable

import tensorflow_model_analysis as tfma
from google.protobuf.message import Message
from tensorflow_model_analysis.metrics.metric_specs import to_computations
from tensorflow_model_analysis.proto import config_pb2

from components.columnar.evaluator import combiners
from components.columnar.evaluator.rows import ANY, CLASSES
from components.shared.target import TRANSFORM_LABELS

OF_MODEL = {
    *("name", "label_key", "is_baseline", "prediction_key", "model_type", "signature_name"),
    "preprocessing_function_names",  # TRANSFORM_LABELS alone
}


def covers(config: config_pb2.EvalConfig) -> bool:
    """Tell whether `analysis.Analyse` computes what this configuration, with TFMA's defaults filled in, asks for.

    It computes what the tasks ask for, and what else TFMA makes by the combiners of `combiners.ON_COLUMNS`: of a binary label
    AUC, calibration, log loss and their plots; of classes Keras' sparse accuracy and log loss, and the confusion matrix; of
    numbers RMSE, MAE, the squared correlation and means. All that over all rows and by the values of single features, with
    thresholds. Not: weights, several outputs, one class against others, metrics of classes and of numbers together, queries,
    crossed slices, confidence intervals, metrics inside a Keras model.
    """
    models, slices, metrics = config.model_specs, config.slicing_specs, config.metrics_specs
    return (
        _fields([config]) <= {"model_specs", "slicing_specs", "metrics_specs"}
        and _fields(models) <= OF_MODEL
        and all(spec.prediction_key or spec.model_type == tfma.TF_GENERIC for spec in models)
        and all(list(spec.preprocessing_function_names) in ([], [TRANSFORM_LABELS]) for spec in models)
        and _fields(slices) <= {"feature_keys"}
        and all(len(spec.feature_keys) <= 1 for spec in slices)
        and not any(spec.label_key in each.feature_keys for spec in models if _transforms(spec) for each in slices)
        and _fields(metrics) <= {"metrics", "model_names", "thresholds", "per_slice_thresholds"}
        and bool(combiners.kinds(computations(config)) & (CLASSES if any(map(_transforms, models)) else ANY))
    )


def computations(config: config_pb2.EvalConfig) -> list:
    """List TFMA's computations, each once: metrics share the histogram of scores."""
    return list(dict.fromkeys(to_computations(list(config.metrics_specs), eval_config=config)))


def _fields(messages: Iterable[Message]) -> set[str]:
    return {field.name for message in messages for field, _ in message.ListFields()}


def _transforms(spec: config_pb2.ModelSpec) -> bool:
    return bool(spec.preprocessing_function_names)


def score_column(spec: config_pb2.ModelSpec) -> str:
    """Name the column of a model's scores."""
    return spec.prediction_key or f"score of {spec.name or 'the model'}"


def label_column(spec: config_pb2.ModelSpec) -> str:
    """Name the column of a model's labels: the feature, or what its `TRANSFORM_LABELS` makes of that."""
    return f"label of {spec.name or 'the model'}" if _transforms(spec) else spec.label_key


def columns(config: config_pb2.EvalConfig) -> set[str]:
    """Name the features that the analysis needs."""
    labels = {spec.label_key for spec in config.model_specs if not _transforms(spec)}
    return labels | {key for spec in config.slicing_specs for key in spec.feature_keys}
