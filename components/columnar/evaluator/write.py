"""Write the files of a ModelEvaluation, as TFMA's writers name and fill them."""

from collections.abc import Iterable

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tensorflow_model_analysis.writers.eval_config_writer import EVAL_CONFIG_FILE
from tensorflow_model_analysis.writers.metrics_plots_and_validations_writer import (
    CombineValidations,
    convert_slice_attributions_to_proto,
    convert_slice_metrics_to_proto,
    convert_slice_plots_to_proto,
)


def results(slices: list, config: config_pb2.EvalConfig, folder: str, locations: dict[str, str]) -> None:
    """Write everything that `tfma.load_metrics`, `load_plots`, `load_validation_result` and `load_eval_result` read.

    TFMA writes each kind by a dozen steps of its own. There is one record for each slice, so one step is enough.

    Args:
        slices: key, metrics and plots of each.
        config: of the evaluation.
        folder: of the ModelEvaluation artifact.
        locations: model name to where it is; for display.
    """
    ordered = sorted(slices, key=lambda each: (len(each[0]), str(each[0])))
    metrics = [(key, {each: value for each, value in found.items() if not _is_plot(each)}) for key, found in ordered]
    plots = [(key, {each: value for each, value in found.items() if _is_plot(each)}) for key, found in ordered]
    _records(folder, "metrics-00000-of-00001", [convert_slice_metrics_to_proto(each, []) for each in metrics])
    _records(folder, "plots-00000-of-00001", [convert_slice_plots_to_proto(each, []) for each in plots])
    nothing = [convert_slice_attributions_to_proto((key, {})) for key, _ in ordered]
    _records(folder, "attributions-00000-of-00001", nothing)
    _records(folder, "validations", [validated(metrics, config)])
    run = config_pb2.EvalRun(eval_config=config, version=tfma.__version__, model_locations=locations)
    with tf.io.gfile.GFile(f"{folder}/{EVAL_CONFIG_FILE}.json", "w") as file:
        file.write(json_format.MessageToJson(run))


def validated(metrics: Iterable, config: config_pb2.EvalConfig) -> validation_result_pb2.ValidationResult:
    """Decide whether the thresholds hold in all slices."""
    combiner = CombineValidations(config)
    result = combiner.create_accumulator()
    for each in metrics:
        result = combiner.add_input(result, validate_metrics(each, config))
    return combiner.extract_output(result)


def _is_plot(key: tfma.metrics.MetricKey) -> bool:
    return isinstance(key, tfma.metrics.PlotKey)


def _records(folder: str, name: str, messages: Iterable[Message]) -> None:
    with tf.io.TFRecordWriter(f"{folder}/{name}.tfrecord") as file:
        for message in messages:
            file.write(message.SerializeToString())
