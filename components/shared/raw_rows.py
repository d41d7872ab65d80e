"""Read tf.Examples as dense raw columns, as a client sends them: NaN or "" where a value is missing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import tensorflow as tf

from components.shared.values import MISSING


def files(examples: str, split: str) -> list[str]:
    """List the files of one split of an Examples artifact, in order."""
    return sorted(str(path) for path in (Path(examples) / f"Split-{split}").iterdir())


def spread(paths: list[str], rows: int) -> list[bytes]:
    """Take at most `rows` serialized tf.Examples, evenly spread over the files' first 10,000."""
    serialized = list(tf.data.TFRecordDataset(paths, "GZIP").take(10_000).as_numpy_iterator())
    return [serialized[index] for index in np.linspace(0, len(serialized) - 1, min(rows, len(serialized))).astype(int)]


def head(paths: list[str], columns: Mapping[str, str], rows: int) -> dict[str, np.ndarray]:
    """Take the rows of `spread`, as columns."""
    return parsed(spread(paths, rows), columns)


def parsed(serialized: list[bytes], columns: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Parse serialized tf.Examples to columns of shape [rows]."""
    spec = {name: tf.io.FixedLenFeature([], dtype, MISSING[dtype]) for name, dtype in columns.items()}
    return {name: tensor.numpy() for name, tensor in tf.io.parse_example(tf.constant(serialized), spec).items()}


def of_batch(batch: pa.RecordBatch, columns: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Convert a RecordBatch of lists of at most one value, as tf.Examples are decoded to, to columns of shape [rows]."""
    result = {}
    for name, dtype in columns.items():
        column = batch.column(batch.schema.get_field_index(name))
        values = np.full(len(column), MISSING[dtype], object if dtype == "string" else dtype)
        present = column.is_valid().to_numpy(zero_copy_only=False)
        values[present] = column.flatten().to_numpy(zero_copy_only=False)
        result[name] = values
    return result


def as_lists(values: np.ndarray) -> pa.ListArray:
    """Make a column of a RecordBatch, with a list of numbers a row, of values, shape [rows] or [rows, values]."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * (values.shape[1] if values.ndim > 1 else 1)
    return pa.ListArray.from_arrays(offsets, pa.array(values.reshape(-1)))


def as_rows(columns: dict[str, np.ndarray]) -> list[dict]:
    """Convert columns of shape [rows] to one object for each row, for JSON; missing values stay NaN or ""."""
    texts = {name: [each.decode() for each in column] for name, column in columns.items() if column.dtype.kind == "O"}
    return pd.DataFrame(columns | texts).to_dict("records")
