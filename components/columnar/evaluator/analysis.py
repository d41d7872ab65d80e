"""Compute TFMA's metrics, plots and validations of scored rows on whole columns."""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.metrics.metric_specs import to_computations
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils.model_util import get_baseline_model_spec
from tensorflow_model_analysis.writers.eval_config_writer import EVAL_CONFIG_FILE
from tensorflow_model_analysis.writers.metrics_plots_and_validations_writer import (
    CombineValidations,
    convert_slice_attributions_to_proto,
    convert_slice_metrics_to_proto,
    convert_slice_plots_to_proto,
)

from components.columnar.evaluator import columnar
from components.columnar.evaluator.columnar import Rows
from components.shared.errors import BadData

SliceKey = tuple[tuple[str, str | int | float], ...]
Metrics = dict[tfma.metrics.MetricKey, Any]


def covers(config: config_pb2.EvalConfig) -> bool:
    """Tell whether `Analyse` computes what this configuration, with TFMA's defaults filled in, asks for.

    It computes metrics of a binary label and a score that TFMA makes from counts, sums, cross entropy or the histogram of
    scores, as AUC, calibration, log loss and their plots, over all rows and by the values of single features, with thresholds.
    Not: weights, several classes or outputs, queries, crossed slices, confidence intervals, metrics inside a Keras model.
    """
    models, slices, metrics = config.model_specs, config.slicing_specs, config.metrics_specs
    return (
        _fields([config]) <= {"model_specs", "slicing_specs", "metrics_specs"}
        and _fields(models) <= {"name", "label_key", "is_baseline", "prediction_key", "model_type", "signature_name"}
        and all(spec.prediction_key or spec.model_type == tfma.TF_GENERIC for spec in models)
        and _fields(slices) <= {"feature_keys"}
        and all(len(spec.feature_keys) <= 1 for spec in slices)
        and _fields(metrics) <= {"metrics", "model_names", "thresholds", "per_slice_thresholds"}
        and columnar.covers(_computations(config))
    )


def _fields(messages: Iterable[Message]) -> set[str]:
    return {field.name for message in messages for field, _ in message.ListFields()}


def score_column(spec: config_pb2.ModelSpec) -> str:
    """Name the column of a model's scores."""
    return spec.prediction_key or f"score of {spec.name or 'the model'}"


def columns(config: config_pb2.EvalConfig) -> set[str]:
    """Name the features that the analysis needs."""
    return {spec.label_key for spec in config.model_specs} | {key for spec in config.slicing_specs for key in spec.feature_keys}


@beam.ptransform_fn
def Analyse(batches, config: config_pb2.EvalConfig, folder: str, locations: dict[str, str]):
    """Write into a folder what `tfma.ExtractEvaluateAndWriteResults` would: equal by value, and read by the same functions.

    TFMA hands every row to every metric of each of its slices, in Python. Here a metric gets the columns of a slice, a batch
    at a time; merging, what is derived from the sums, and validation are TFMA's own.

    Args:
        batches: RecordBatches with the label, the features of slices, and `score_column` of each model, as lists of values.
        config: one that `covers` accepts.
        folder: of the ModelEvaluation artifact.
        locations: where each model is, by its name; for display.

    Raises:
        BadData: a row has no label or several, or a label or score that no metric is defined for.
    """
    computations = _computations(config)
    combiners = [each.combiner for each in computations if isinstance(each, tfma.metrics.MetricComputation)]
    derivations = [each for each in computations if isinstance(each, tfma.metrics.DerivedMetricComputation)]
    baseline = get_baseline_model_spec(config)
    return (
        batches
        | "Slice" >> beam.FlatMap(slices, config)
        | "Combine" >> beam.CombinePerKey(Combine(*combiners))
        | "Derive" >> beam.Map(derive, derivations, baseline.name if baseline else None)
        | "Gather" >> beam.CombineGlobally(beam.combiners.ToListCombineFn())
        | "Write" >> beam.Map(write, config, folder, locations)
    )


def _computations(config: config_pb2.EvalConfig) -> list:
    """List TFMA's computations, each once: metrics share the histogram of scores."""
    return list(dict.fromkeys(to_computations(list(config.metrics_specs), eval_config=config)))


def slices(batch: pa.RecordBatch, config: config_pb2.EvalConfig) -> Iterator[tuple[SliceKey, Rows]]:
    """Yield each slice's labels and scores by model, `[rows]` each. A row without a slice's feature is in none of it."""
    whole = Rows(
        {spec.name: _singles(batch, spec.label_key).astype(np.float64) for spec in config.model_specs},
        {spec.name: _singles(batch, score_column(spec)) for spec in config.model_specs},
    )
    for keys in dict.fromkeys(tuple(spec.feature_keys) for spec in config.slicing_specs) or [()]:
        if not keys:
            yield (), whole
            continue
        [name] = keys
        column = batch.column(name)
        values = column.flatten().dictionary_encode()
        codes, of_rows = values.indices.to_numpy(), pc.list_parent_indices(column).to_numpy()
        for code, value in enumerate(values.dictionary.to_pylist()):
            key = ((name, value.decode() if isinstance(value, bytes) else value),)
            yield key, whole.take(np.unique(of_rows[codes == code]))


def _singles(batch: pa.RecordBatch, name: str) -> np.ndarray:
    column = batch.column(name)
    if wrong := len(column) - (pc.sum(pc.equal(pc.list_value_length(column), 1)).as_py() or 0):
        raise BadData(f"{wrong} of {len(column)} rows have no {name}, or several; expected one in each row that is evaluated.")
    return column.flatten().to_numpy(zero_copy_only=False)


class Combine(beam.combiners.SingleInputTupleCombineFn):
    """TFMA's combiners, on many rows at a time."""

    def __init__(self, *combiners: beam.CombineFn):
        super().__init__(*combiners)
        self.combiners = combiners

    def add_input(self, accumulator, rows: Rows):
        return self.merge_accumulators([accumulator, [columnar.accumulated(each, rows) for each in self.combiners]])

    def merge_accumulators(self, accumulators):
        # Iterators, because TFMA's cross entropy counts the first accumulator of a list twice.
        merged = zip(self.combiners, zip(*accumulators, strict=True), strict=True)
        return [combiner.merge_accumulators(iter(each)) for combiner, each in merged]

    def extract_output(self, accumulator) -> Metrics:
        return {
            key: value
            for combiner, each in zip(self.combiners, accumulator, strict=True)
            for key, value in combiner.extract_output(each).items()
        }


def derive(combined: tuple[SliceKey, Metrics], derivations: list, baseline: str | None) -> tuple[SliceKey, Metrics]:
    """Add what follows from a slice's sums, and the candidate's differences from the baseline; remove TFMA's own sums."""
    slice_key, metrics = combined
    for derivation in derivations:
        metrics = metrics | columnar.derived(derivation, metrics)
    public = {each: value for each, value in metrics.items() if not each.name.startswith("_")}
    differences = {
        each.make_diff_key(): value - public[each.make_baseline_key(baseline)]
        for each, value in public.items()
        if baseline and each.model_name != baseline and not _is_plot(each)
    }
    return slice_key, public | differences


def write(
    slices: list[tuple[SliceKey, Metrics]], config: config_pb2.EvalConfig, folder: str, locations: dict[str, str]
) -> None:
    """Write all that `tfma.load_metrics`, `load_plots`, `load_validation_result` and `load_eval_result` read; see `Analyse`.

    TFMA writes each kind by a dozen steps of its own. There is one record for each slice, so one step is enough.
    """
    ordered = sorted(slices, key=lambda each: (len(each[0]), str(each[0])))
    metrics, plots = (_of_kind(ordered, is_plot) for is_plot in (False, True))
    validations = CombineValidations(config)
    result = validations.create_accumulator()
    for each in metrics:
        result = validations.add_input(result, validate_metrics(each, config))
    records = {
        "metrics-00000-of-00001": [convert_slice_metrics_to_proto(each, []) for each in metrics],
        "plots-00000-of-00001": [convert_slice_plots_to_proto(each, []) for each in plots],
        "attributions-00000-of-00001": [convert_slice_attributions_to_proto((key, {})) for key, _ in metrics],
        "validations": [validations.extract_output(result)],
    }
    for name, messages in records.items():
        with tf.io.TFRecordWriter(f"{folder}/{name}.tfrecord") as file:
            for message in messages:
                file.write(message.SerializeToString())
    run = config_pb2.EvalRun(eval_config=config, version=tfma.__version__, model_locations=locations)
    with tf.io.gfile.GFile(f"{folder}/{EVAL_CONFIG_FILE}.json", "w") as file:
        file.write(json_format.MessageToJson(run))


def _is_plot(key: tfma.metrics.MetricKey) -> bool:
    return isinstance(key, tfma.metrics.PlotKey)


def _of_kind(slices: list[tuple[SliceKey, Metrics]], is_plot: bool) -> list[tuple[SliceKey, Metrics]]:
    return [(key, {name: value for name, value in found.items() if _is_plot(name) == is_plot}) for key, found in slices]
