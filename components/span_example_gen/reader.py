"""Reads Parquet and CSV files as Arrow RecordBatches of declared columns, and encodes them. No loop over rows."""

import datetime
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.errors import BadData
from components.span_example_gen import csv_file, parquet_file, spans
from components.span_example_gen.columns import ARROW_TYPES, conform
from components.span_example_gen.limits import MAX_ROWS, shown


def read(path: Path | str, columns: Mapping[str, str], date: str, ignored: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
    """Yields a file's rows in batches, within the bounds of `limits`.

    Args:
        path: a `.parquet` or `.csv` file, or a URI of one; a CSV file is UTF-8 with a header, its missing values are empty,
            NA or NaN.
        columns: the columns to read, name to dtype ("string", "float32" or "int64").
        date: a column of dates, read beside them.
        ignored: columns that may be there too, and are not read.

    Yields:
        Batches with exactly `columns` and `date` (date32). NaN is null.

    Raises:
        BadData: the file is truncated, ragged, not UTF-8, has no rows, lacks a column or has one more, a value is of the
            wrong type, or the file exceeds a limit.
    """
    schema = pa.schema([(name, ARROW_TYPES[dtype]) for name, dtype in columns.items()] + [(date, pa.date32())])
    suffix = PurePosixPath(path).suffix.lower()
    batches = parquet_file.batches if suffix == ".parquet" else csv_file.batches
    rows = 0
    try:
        for batch in batches(str(path), schema, ignored):
            rows += batch.num_rows
            if rows > MAX_ROWS:
                raise BadData(f"more than {MAX_ROWS:,} rows; expected at most as many in a file. Write several files.")
            yield conform(batch, schema)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise BadData(
            f"{path} cannot be read: {shown(str(error))}. "
            f"Expected a whole, UTF-8 {suffix[1:]} file whose values have the declared types."
        ) from error
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    if not rows:
        raise BadData(f"{path} has no rows; expected at least one. Remove the file if the span really is empty.")


def check_dates(batch: pa.RecordBatch, date: str, span: str) -> None:
    """Raises BadData unless every row's date lies in the month `span`."""
    # Compared as days: Arrow's names of months come round again after 65,536 years.
    first, last = spans.days(span)
    column = batch.column(date)
    inside = pc.and_(pc.greater_equal(column, pa.scalar(first)), pc.less_equal(column, pa.scalar(last)))
    outside = pc.invert(pc.fill_null(inside, False))
    if pc.any(outside).as_py():
        example = column.filter(outside).cast(pa.string())[0]
        raise BadData(
            f"{pc.sum(outside).as_py()} rows have a {date} outside their span {span}, such as {example}. "
            "Expected each row in its own month's folder."
        )


def row_hashes(batch: pa.RecordBatch) -> np.ndarray:
    """A hash of each row's values, uint64, shape [rows]: equal rows have equal ones, and others hardly ever."""
    # Int64 also without a null: pandas' float64 with one would hash the same number differently.
    rows = batch.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return pd.util.hash_pandas_object(rows, index=False).to_numpy()


def split_by_time(batch: pa.RecordBatch, date: str, first_eval_day: datetime.date) -> dict[str, pa.RecordBatch]:
    """The rows before `first_eval_day` are "train", the others "eval"; the date column is dropped."""
    is_train = pc.less(batch.column(date), pa.scalar(first_eval_day))
    features = batch.drop_columns([date])
    return {"train": features.filter(is_train), "eval": features.filter(pc.invert(is_train))}


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Wraps each value in a list of one, as tf.Example holds it; a null becomes a null list, so the feature is absent."""
    return pa.RecordBatch.from_arrays([_as_list(column) for column in batch.columns], names=batch.schema.names)


def _as_list(column: pa.Array) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(column.is_valid().to_numpy(zero_copy_only=False))]).astype(np.int32)
    values = column.drop_null()
    if pa.types.is_string(values.type):
        values = values.cast(pa.binary())
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=column.is_null())
