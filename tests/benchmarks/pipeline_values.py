"""What pipelines wrote, as values that do not depend on the order of rows, and how two sets of them differ."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import tfx  # noqa: F401  # before what else is TFX's
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx_bsl.coders import example_coder

import tensorflow as tf  # isort: skip
import tensorflow_data_validation as tfdv  # isort: skip

BLOCK_ROWS = 65_536


def rows(folder: Path) -> pd.DataFrame:
    """The rows of the gzipped tf.Example files in a folder, sorted; a value that is missing or an empty list is NaN or None."""
    files = sorted(str(path) for path in folder.iterdir())
    blocks = tf.data.TFRecordDataset(files, "GZIP").batch(BLOCK_ROWS).as_numpy_iterator()
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    frames = [pd.DataFrame(_columns(decoder.DecodeBatch(block))) for block in blocks]
    frame = pd.concat(frames, ignore_index=True)
    return frame.sort_values(list(frame.columns), ignore_index=True)


def _columns(batch: pa.RecordBatch) -> dict[str, np.ndarray]:
    columns = {}
    for name in sorted(batch.schema.names):
        lists = batch.column(batch.schema.get_field_index(name))
        present = pc.greater(pc.fill_null(pc.list_value_length(lists), 0), 0).to_numpy(zero_copy_only=False)
        values = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
        if not present.all():
            missing = np.nan if values.dtype.kind == "f" else None
            column = np.full(len(present), missing, values.dtype if values.dtype.kind == "f" else object)
            column[present] = values
            values = column
        columns[name] = values
    return columns


def frame_differences(stock: pd.DataFrame, ours: pd.DataFrame, *, tolerance: float) -> list[str]:
    """Columns in which two sorted tables differ by more than `tolerance`."""
    if list(stock.columns) != list(ours.columns) or len(stock) != len(ours):
        return [f"{len(stock)} rows of {list(stock.columns)}; ours: {len(ours)} of {list(ours.columns)}"]
    found = []
    for name in stock.columns:
        try:
            pd.testing.assert_series_equal(ours[name], stock[name], rtol=0, atol=tolerance)
        except AssertionError as error:
            found.append(f"{name}: {str(error).splitlines()[-1]}")
    return found


def statistics(path: Path) -> DatasetFeatureStatisticsList:
    """A file of statistics, in which an empty feature is missing, and how many values a row has is left out."""
    loaded = tfdv.load_stats_binary(str(path / "FeatureStats.pb"))
    for feature in loaded.datasets[0].features:
        common = getattr(feature, feature.WhichOneof("stats")).common_stats
        if common.max_num_values != 1:
            raise ValueError(f"{path}: {feature.path.step[0]} has {common.max_num_values} values in a row; expected at most 1")
        examples = common.num_missing + common.num_non_missing
        common.num_non_missing, common.num_missing = common.tot_num_values, examples - common.tot_num_values
        common.min_num_values, common.avg_num_values = 1, 1.0
        common.ClearField("num_values_histogram")
    return loaded


def leaves(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    """The values of a nested message, each with its path; features by name."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{where}/{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            name = each["path"]["step"][0] if isinstance(each, dict) and "path" in each else index
            yield from leaves(each, f"{where}/{name}")
    else:
        yield where, value


def differences(stock: dict[str, object], ours: dict[str, object], *, tolerance: float) -> list[str]:
    """Where two sets of values differ; floats by more than `tolerance`, relative to the larger one."""
    return [
        f"{where}: {stock.get(where)}; ours: {ours.get(where)}"
        for where in sorted(stock.keys() | ours.keys())
        if not _equal(stock.get(where), ours.get(where), tolerance)
    ]


def _equal(one: object, other: object, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance)
    return one == other
