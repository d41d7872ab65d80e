"""Serialize columns of raw values as tf.Examples with tfx_bsl's C++ encoder. Imports TensorFlow."""

import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl.coders import example_coder


def examples(columns: pa.RecordBatch) -> list[bytes]:
    """Make one example a row, in tf.Example's dtypes. A null, NaN or empty string is missing, so it is left out."""
    lists = [_lists(column) for column in columns.columns]
    return example_coder.RecordBatchToExamplesEncoder().encode(pa.RecordBatch.from_arrays(lists, columns.schema.names))


def _lists(column: pa.Array) -> pa.ListArray:
    """Make each value a list of one, each missing one a null: to TFDV an empty list is a value."""
    present = column.is_valid()
    if pa.types.is_floating(column.type):
        present = pc.and_(present, pc.invert(pc.fill_null(pc.is_nan(column), True)))
    elif pa.types.is_binary(column.type) or pa.types.is_string(column.type):
        present = pc.and_(present, pc.greater(pc.fill_null(pc.binary_length(column), 0), 0))
    ends = pc.cumulative_sum(present.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, column.filter(present), mask=pc.invert(present))
