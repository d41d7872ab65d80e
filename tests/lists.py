"""Columns as decoded tf.Examples have them, without encoding any."""

import numpy as np
import pyarrow as pa


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Wrap each value in a list of one, as tf.Example holds it; a null becomes a null list, so the feature is absent."""
    return pa.RecordBatch.from_arrays([_as_list(column) for column in batch.columns], names=batch.schema.names)


def _as_list(column: pa.Array) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(column.is_valid().to_numpy(zero_copy_only=False))]).astype(np.int32)
    values = column.drop_null()
    if pa.types.is_string(values.type):
        values = values.cast(pa.binary())
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=column.is_null())
