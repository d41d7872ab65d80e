"""tf.Examples as dense raw columns, the way a client sends them: NaN or "" where a value is missing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

MISSING = {"string": b"", "float32": np.nan, "int64": 0}


def files(examples: str, split: str) -> list[str]:
    """The files of one split of an Examples artifact, in order."""
    return sorted(str(path) for path in (Path(examples) / f"Split-{split}").iterdir())


def head(paths: list[str], columns: Mapping[str, str], rows: int) -> dict[str, np.ndarray]:
    """As many rows, evenly spread over the files' first 10,000, as columns."""
    serialized = list(tf.data.TFRecordDataset(paths, "GZIP").take(10_000).as_numpy_iterator())
    chosen = [serialized[index] for index in np.linspace(0, len(serialized) - 1, min(rows, len(serialized))).astype(int)]
    spec = {name: tf.io.FixedLenFeature([], dtype, MISSING[dtype]) for name, dtype in columns.items()}
    return {name: tensor.numpy() for name, tensor in tf.io.parse_example(tf.constant(chosen), spec).items()}


def of_batch(batch: pa.RecordBatch, columns: Mapping[str, str]) -> dict[str, np.ndarray]:
    """A RecordBatch of lists of at most one value, as tf.Examples are decoded to, as columns of shape [rows]."""
    result = {}
    for name, dtype in columns.items():
        column = batch.column(batch.schema.get_field_index(name))
        values = np.full(len(column), MISSING[dtype], object if dtype == "string" else dtype)
        present = column.is_valid().to_numpy(zero_copy_only=False)
        values[present] = column.flatten().to_numpy(zero_copy_only=False)
        result[name] = values
    return result
