"""Compute TFMA's metrics, plots and validations of scored rows on whole columns."""

from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils.model_util import get_baseline_model_spec
from tensorflow_model_analysis.writers.eval_config_writer import EVAL_CONFIG_FILE
from tensorflow_model_analysis.writers.metrics_plots_and_validations_writer import (
    CombineValidations,
    convert_slice_attributions_to_proto,
    convert_slice_metrics_to_proto,
    convert_slice_plots_to_proto,
)

from components.columnar.evaluator import binary, combiners, configured
from components.columnar.evaluator.rows import Rows
from components.columnar.evaluator.slices import SliceKey, slices

Metrics = dict[tfma.metrics.MetricKey, Any]


@beam.ptransform_fn
def Analyse(batches, config: config_pb2.EvalConfig, folder: str, locations: dict[str, str]):
    """Write into a folder what `tfma.ExtractEvaluateAndWriteResults` would: equal by value, and read by the same functions.

    TFMA hands every row to every metric of each of its slices, in Python. Here a metric gets the columns of a slice, a batch
    at a time; merging, what is derived from the sums, and validation are TFMA's own.

    Args:
        batches: RecordBatches with the features of slices, and each model's `configured.label_column` and `score_column`, as
            lists of values: one, or as many scores as there are classes.
        config: one that `configured.covers` accepts.
        folder: of the ModelEvaluation artifact.
        locations: where each model is, by its name; for display.

    Raises:
        BadData: a row has no label or several, or a label or score that no metric is defined for.
        NotAScore: the metrics are of one value a row, and the answers of classes, or the other way round.
    """
    computations = configured.computations(config)
    combining = [each.combiner for each in computations if isinstance(each, tfma.metrics.MetricComputation)]
    derivations = [each for each in computations if isinstance(each, tfma.metrics.DerivedMetricComputation)]
    baseline = get_baseline_model_spec(config)
    return (
        batches
        | "Slice" >> beam.FlatMap(slices, config)
        | "Combine" >> beam.CombinePerKey(Combine(*combining))
        | "Derive" >> beam.Map(derive, derivations, baseline.name if baseline else None)
        | "Gather" >> beam.CombineGlobally(beam.combiners.ToListCombineFn())
        | "Write" >> beam.Map(write, config, folder, locations)
    )


class Combine(beam.combiners.SingleInputTupleCombineFn):
    """TFMA's combiners, on many rows at a time."""

    def __init__(self, *combiners: beam.CombineFn):
        super().__init__(*combiners)
        self.combiners = combiners

    def add_input(self, accumulator, rows: Rows):
        return self.merge_accumulators([accumulator, [combiners.accumulated(each, rows) for each in self.combiners]])

    def merge_accumulators(self, accumulators):
        # Iterators, because TFMA's cross entropy and mean absolute error count the first accumulator of a list twice.
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
        metrics = metrics | binary.derived(derivation, metrics)
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
