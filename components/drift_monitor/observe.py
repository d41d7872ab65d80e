"""Pass once over the newest span, or over logged requests, with Beam: TFDV statistics, and production's scores."""

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

from components.shared import answers, record_batches
from components.shared.target import Target
from components.shared.tfdv_statistics import by_name, common_stats, is_constant

BATCH_ROWS = 1000
ANCHORS = 2  # rows: the lower and the upper end of each range
BESIDE = 1e-6  # relative to a constant: float32 resolves an eighth of it

Ranges = Mapping[str, tuple[float, float]]


def ranges(reference: DatasetFeatureStatisticsList) -> dict[str, tuple[float, float]]:
    """Return each numeric feature's lowest and highest value in the reference; for a constant, the values next to it."""
    return {
        name: _around(feature) if is_constant(feature) else (feature.num_stats.min, feature.num_stats.max)
        for name, feature in by_name(reference.datasets[0]).items()
        if feature.HasField("num_stats") and feature.num_stats.histograms
    }


def _around(feature: FeatureNameStatistics) -> tuple[float, float]:
    """Return a range so narrow that any other value, but for float32's rounding, is clipped to an end, not the middle."""
    value = feature.num_stats.min
    step = 1.0 if feature.type == FeatureNameStatistics.INT else BESIDE * max(1.0, abs(value))
    return value - step, value + step


def buckets(reference: DatasetFeatureStatisticsList) -> int:
    """Return how many buckets the reference's standard histograms have; those of constants have one.

    If all are constants, there are at least three: below, at and above them.
    """
    histograms = [feature.num_stats.histograms for feature in by_name(reference.datasets[0]).values()]
    return max([3, *(len(found[0].buckets) for found in histograms if found)])


def bounded(batch: pa.RecordBatch, within: Ranges) -> pa.RecordBatch:
    """Clip a batch's numbers to the ends of their ranges.

    TFDV lays a histogram's buckets between the smallest and the largest value, and its Jensen-Shannon divergence assumes that
    values are even within a bucket. One outlier then moves all buckets: a feature's random halves of one month were 0.30
    apart. Between the same two ends (see `anchors`) the buckets are the reference's own, and the halves 0.002 apart.
    """
    return pa.RecordBatch.from_arrays(
        [_cut(batch.column(name), within.get(name)) for name in batch.schema.names], batch.schema.names
    )


def _cut(column: pa.ListArray, ends: tuple[float, float] | None) -> pa.ListArray:
    if ends is None or pa.types.is_null(column.type):
        return column
    low, high = (pa.scalar(end, column.type.value_type) for end in ends)
    values = pc.min_element_wise(pc.max_element_wise(column.values, low), high)
    return pa.ListArray.from_arrays(column.offsets, values, mask=column.is_null())


def anchors(schema: schema_pb2.Schema, of: Ranges) -> pa.RecordBatch:
    """Make two rows that hold the ends of each range, so that both histograms have the same buckets."""
    types = {schema_pb2.INT: pa.int64(), schema_pb2.FLOAT: pa.float32()}
    kinds = {feature.name: feature.type for feature in schema.feature}
    arrays = {
        name: pa.array([[low], [high]], pa.list_(types[kinds[name]])) for name, (low, high) in of.items() if name in kinds
    }
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def without_anchors(statistics: DatasetFeatureStatisticsList, of: Ranges) -> DatasetFeatureStatisticsList:
    """Remove the anchors' rows from the counts."""
    result = deepcopy(statistics)
    result.datasets[0].num_examples -= ANCHORS
    for name, feature in by_name(result.datasets[0]).items():
        common = common_stats(feature)
        if name not in of:
            common.num_missing -= ANCHORS
            continue
        common.num_non_missing -= ANCHORS
        common.tot_num_values -= ANCHORS
        for histogram in feature.num_stats.histograms:
            for end in (0, -1):
                histogram.buckets[end].sample_count = max(0.0, histogram.buckets[end].sample_count - 1)
    return result


def score(shard: tuple[int, str], model: str, target: Target, folder: str) -> None:
    """Write labels, as numbers, and answers of the rows of a numbered file as one array, shape [rows, 1 + answers]."""
    index, path = shard
    parts = []
    for examples in record_batches.serialized(path, BATCH_ROWS):
        batch = tf.constant(examples)
        spec = {target.label: tf.io.FixedLenFeature([], target.task.label_dtype)}
        labels = target.numbers(tf.io.parse_example(batch, spec)[target.label].numpy())
        scores = answers.only(_loaded(model).signatures["serving_default"](batch)).numpy()
        parts.append(np.column_stack([labels, scores]))
    with tf.io.gfile.GFile(f"{folder}/{index:05}.npy", "wb") as file:
        np.save(file, np.concatenate(parts).astype("float32"))


@lru_cache(maxsize=1)
def _loaded(model: str):
    return tf.saved_model.load(model)


@beam.ptransform_fn
def Statistics(paths: beam.PCollection, schema: schema_pb2.Schema, within: Ranges, buckets: int) -> beam.PCollection:
    """Turn paths of TFRecord files of tf.Example into one `DatasetFeatureStatisticsList`, with the anchors.

    The histograms lie `within` the reference's ranges, and have as many `buckets` as the reference's.
    """
    rows = paths | beam.FlatMap(record_batches.read, BATCH_ROWS, schema.SerializeToString()) | beam.Map(bounded, within)
    ends = paths.pipeline | beam.Create([anchors(schema, within)])
    return (rows, ends) | beam.Flatten() | tfdv.GenerateStatistics(tfdv.StatsOptions(num_histogram_buckets=buckets))
