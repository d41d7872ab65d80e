"""Pass once over the newest span, or over logged requests, with Beam: TFDV statistics, and production's scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics
from tfx_bsl.coders import example_coder

from components.drift_monitor.data_drift import by_name, common_stats, constant

BATCH_ROWS = 1000
ANCHORS = 2  # rows: the lower and the upper end of each range
BESIDE = 1e-6  # relative to a constant: float32 resolves an eighth of it

Ranges = Mapping[str, tuple[float, float]]


def ranges(reference: DatasetFeatureStatisticsList) -> dict[str, tuple[float, float]]:
    """Return each numeric feature's lowest and highest value in the reference; for a constant, the values next to it."""
    return {
        name: _around(feature) if constant(feature) else (feature.num_stats.min, feature.num_stats.max)
        for name, feature in by_name(reference).items()
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
    histograms = [feature.num_stats.histograms for feature in by_name(reference).values()]
    return max([3, *(len(found[0].buckets) for found in histograms if found)])


def read_shard(path: str) -> Iterator[list[bytes]]:
    """Yield the serialized tf.Examples of one file in order, `BATCH_ROWS` at a time."""
    dataset = tf.data.TFRecordDataset(path, "GZIP" if path.endswith(".gz") else "")
    for batch in dataset.batch(BATCH_ROWS).as_numpy_iterator():
        yield batch.tolist()


@dataclass
class Decode(beam.DoFn):
    """Decodes batches of serialized tf.Examples to `bounded` RecordBatches."""

    schema: schema_pb2.Schema
    ranges: Ranges

    def __post_init__(self) -> None:
        super().__init__()

    def setup(self) -> None:
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(self.schema.SerializeToString())

    def process(self, examples: list[bytes]) -> Iterator[pa.RecordBatch]:
        yield bounded(self._decoder.DecodeBatch(examples), self.ranges)


def bounded(batch: pa.RecordBatch, within: Ranges) -> pa.RecordBatch:
    """Clip a batch's numbers to the ends of their ranges.

    TFDV lays a histogram's buckets between the smallest and the largest value, and its Jensen-Shannon divergence assumes that
    values are even within a bucket. One outlier then moves all buckets: `seats` of two random halves of one month are 0.30
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
    result = DatasetFeatureStatisticsList()
    result.CopyFrom(statistics)
    result.datasets[0].num_examples -= ANCHORS
    for name, feature in by_name(result).items():
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


@dataclass
class ScoreSpan(beam.DoFn):
    """Writes labels and scores of a file's rows, in their order, as one array of shape [rows, 2]; yields its path."""

    model: str
    signature: str
    label: str
    output: str

    def __post_init__(self) -> None:
        super().__init__()

    def setup(self) -> None:
        self._model = tf.saved_model.load(self.model)
        self._labels = {self.label: tf.io.FixedLenFeature([], tf.int64)}

    def process(self, shard: tuple[int, str]) -> Iterator[str]:
        index, path = shard
        parts = []
        for examples in read_shard(path):
            batch = tf.constant(examples)
            scores = next(iter(self._model.signatures[self.signature](batch).values()))
            parts.append(np.stack([tf.io.parse_example(batch, self._labels)[self.label], scores], axis=1))
        target = f"{self.output}/{index:05}.npy"
        with tf.io.gfile.GFile(target, "wb") as file:
            np.save(file, np.concatenate(parts).astype("float32"))
        yield target


class Statistics(beam.PTransform):
    """Turns paths of TFRecord files of tf.Example into one `DatasetFeatureStatisticsList`, with the anchors."""

    def __init__(self, schema: schema_pb2.Schema, within: Ranges, buckets: int):
        """Args:
        schema: the rows' columns.
        within: the reference's ranges.
        buckets: of numeric histograms; as many as the reference has.
        """
        super().__init__()
        self._schema, self._within, self._buckets = schema, within, buckets

    def expand(self, paths: beam.PCollection) -> beam.PCollection:
        rows = paths | beam.FlatMap(read_shard) | beam.ParDo(Decode(self._schema, self._within))
        ends = paths.pipeline | beam.Create([anchors(self._schema, self._within)])
        return (rows, ends) | beam.Flatten() | tfdv.GenerateStatistics(tfdv.StatsOptions(num_histogram_buckets=self._buckets))
