"""What SpanExampleGen, StatisticsGen and Transform wrote, in a form that does not depend on the order of rows or bundles."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import tfx  # noqa: F401  # before what else is TFX's
from google.protobuf.json_format import MessageToDict
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx_bsl.coders import example_coder

import tensorflow as tf  # isort: skip
import tensorflow_data_validation as tfdv  # isort: skip

from components.shared.spans import SPLITS

# Sums of the same numbers in another order differ in their last bits: a relative 4e-15 was seen.
MERGED = {"mean", "stdDev"}
RELATIVE = 1e-12
TRANSFORMED = 1e-6  # float32 rounds what the means and deviations become


def rows(folder: Path) -> pd.DataFrame:
    """The rows of the tf.Example files in a folder, sorted. A tf.Example is a map, whose bytes follow no order."""
    files = sorted(str(path) for path in folder.iterdir())
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    table = pa.Table.from_batches([example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(records)])
    columns = {name: [value[0] if value else None for value in table[name].to_pylist()] for name in sorted(table.column_names)}
    frame = pd.DataFrame(columns)
    return frame.sort_values(list(frame.columns), ignore_index=True)


def statistics(path: Path | str) -> dict:
    """A file of statistics; features by name."""
    loaded: DatasetFeatureStatisticsList = tfdv.load_stats_binary(str(path))
    [dataset] = MessageToDict(loaded)["datasets"]
    dataset["features"] = {feature["path"]["step"][0]: feature for feature in dataset["features"]}
    return dataset


def differences(expected: object, found: object, where: str = "") -> list[str]:
    """Where two statistics differ. Counts, histograms, quantiles and frequent values must be equal; what is a sum of all rows
    may differ by `RELATIVE`."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        keys = sorted(expected.keys() | found.keys())
        return [each for key in keys for each in differences(expected.get(key), found.get(key), f"{where}/{key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [each for index, pair in pairs for each in differences(*pair, f"{where}/{index}")]
    if expected == found or (
        where.rpartition("/")[2] in MERGED
        and isinstance(expected, float)
        and isinstance(found, float)
        and abs(expected - found) <= RELATIVE * abs(expected)
    ):
        return []
    return [f"{where}: {expected} and {found}"]


def assert_same(expected: Path, found: Path) -> int:
    """Compares what `nodes.run` left in two folders. Returns the number of rows."""
    count = 0
    for split in SPLITS:
        examples = Path("SpanExampleGen", "examples", f"Split-{split}")
        first = rows(expected / examples)
        count += len(first)
        pd.testing.assert_frame_equal(rows(found / examples), first, check_exact=True)
        path = Path("StatisticsGen", "statistics", f"Split-{split}", "FeatureStats.pb")
        assert differences(statistics(expected / path), statistics(found / path)) == []
        transformed = Path("Transform", "transformed_examples", f"Split-{split}")
        pd.testing.assert_frame_equal(rows(found / transformed), rows(expected / transformed), rtol=0, atol=TRANSFORMED)
    assets = Path("Transform", "transform_graph", "transform_fn", "assets")
    vocabularies = {path.name: path.read_bytes() for path in (expected / assets).iterdir()}
    assert vocabularies
    assert {path.name: path.read_bytes() for path in (found / assets).iterdir()} == vocabularies
    return count
