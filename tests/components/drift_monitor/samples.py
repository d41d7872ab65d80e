"""Statistics of made rows, as StatisticsGen and the DriftMonitor make them."""

from pathlib import Path

import apache_beam as beam
import pandas as pd
import pyarrow as pa
import tensorflow as tf
import tfx  # noqa: F401 (TFDV imports only behind it)
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.drift_monitor import observe
from components.span_example_gen.columns import ARROW_TYPES, conform
from tests import neutral
from tests.lists import as_lists
from tests.neutral import COLUMNS, LABEL

import tensorflow_data_validation as tfdv  # isort: skip
from tensorflow_data_validation.statistics import stats_impl  # isort: skip

BUCKETS = 50


def schema() -> schema_pb2.Schema:
    return neutral.schema(neutral.PROBLEM)


def inputs_schema() -> schema_pb2.Schema:
    """Without the label, which has checks of its own."""
    result = schema()
    kept = [feature for feature in result.feature if feature.name != LABEL]
    del result.feature[:]
    result.feature.extend(kept)
    return result


def batch(rows: pd.DataFrame, columns: dict[str, str] = COLUMNS) -> pa.RecordBatch:
    fields = [(name, ARROW_TYPES[dtype]) for name, dtype in columns.items() if name in rows]
    frame = pa.RecordBatch.from_pandas(rows[[name for name, _ in fields]], preserve_index=False)
    return as_lists(conform(frame, pa.schema(fields)))


def training_statistics(rows: pd.DataFrame):
    """As StatisticsGen makes them."""
    return stats_impl.generate_statistics_in_memory(batch(rows), tfdv.StatsOptions(num_histogram_buckets=BUCKETS))


def write_examples(rows: pd.DataFrame, path: Path, columns: dict[str, str] = COLUMNS) -> str:
    """A TFRecord file of the rows as tf.Examples; compressed if it is called .gz."""
    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else "") as writer:
        for example in example_coder.RecordBatchToExamplesEncoder().encode(batch(rows, columns)):
            writer.write(example)
    return str(path)


def observed_statistics(rows: pd.DataFrame, reference):
    """As the DriftMonitor makes them, in memory."""
    within = observe.ranges(reference)
    parts = [observe.bounded(batch(rows), within), observe.anchors(schema(), within)]
    both = pa.concat_tables([pa.Table.from_batches([part]) for part in parts], promote_options="default").combine_chunks()
    options = tfdv.StatsOptions(num_histogram_buckets=observe.buckets(reference))
    return observe.without_anchors(stats_impl.generate_statistics_in_memory(both.to_batches()[0], options), within)


def observed_by_beam(rows: pd.DataFrame, reference, folder: Path):
    """As the DriftMonitor makes them: by Beam, from files."""
    path = write_examples(rows, folder / "data_tfrecord-00000.gz")
    within = observe.ranges(reference)
    with beam.Pipeline(argv=["--runner=FnApiRunner"]) as pipeline:
        found = pipeline | beam.Create([path]) | observe.Statistics(schema(), within, observe.buckets(reference))
        _ = found | tfdv.WriteStatisticsToBinaryFile(str(folder / "stats.pb"))
    return observe.without_anchors(tfdv.load_stats_binary(str(folder / "stats.pb")), within)
