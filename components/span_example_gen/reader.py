"""Read Parquet and CSV files as Arrow RecordBatches of declared columns, and encode them. No loop over rows."""

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.shared import spans
from components.shared.errors import BadData
from components.span_example_gen import bucket, reader_process

JOINED_ROWS = 65_536  # of a batch that several small ones are joined to
JOINED_BYTES = 32 << 20


def read(
    path: Path | str, columns: Mapping[str, str], date: str, ignored: Collection[str] = (), missing: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows in batches, within the bounds of `limits`; none if the file has none, as Spark writes some.

    Another process reads it: a file that takes too much memory or crashes Arrow is refused as any other.

    Args:
        path: a `.parquet` or `.csv` file, or a URI of one; a CSV file is UTF-8 with a header.
        columns: the columns to read, name to dtype ("string", "float32" or "int64").
        date: a column of dates, read beside them.
        ignored: columns that may be there too, and are not read.
        missing: what also means a missing value in a CSV file, where it is not quoted; see `data/README.md`.

    Yields:
        Batches with exactly `columns` and `date` (date32). What is missing is null.

    Raises:
        BadData: the file is truncated, ragged, not UTF-8, lacks a column or has one more, a value is of the wrong type, or
            the file exceeds a limit.
        RuntimeError: the process that reads was ended from elsewhere.
    """
    path = str(path)
    try:
        with bucket.local(path) as local:
            try:
                yield from reader_process.read(local, columns, date, ignored, missing)
            except BadData as error:
                raise BadData(str(error).replace(local, path)) from error
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error}. Expected a file that stays and that this user may read.") from error


def check_dates(batch: pa.RecordBatch, date: str, span: str) -> None:
    """Raise BadData unless every row's date lies in the month `span`."""
    # Compared as days: Arrow's names of months repeat after 65,536 years.
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
    """Hash each row's values, uint64, shape [rows]: equal rows have equal hashes, and others hardly ever."""
    # Int64 also without a null: pandas' float64 with one would hash the same number differently.
    rows = batch.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return pd.util.hash_pandas_object(rows, index=False).to_numpy()


def days(batch: pa.RecordBatch, date: str) -> set[str]:
    """Return the days of the rows, YYYY-MM-DD."""
    return set(batch.column(date).unique().cast(pa.string()).to_pylist())


def day_numbers(batch: pa.RecordBatch, date: str) -> np.ndarray:
    """Return the day of each row, in days since 1970, int32, shape [rows]."""
    return batch.column(date).cast(pa.date32()).cast(pa.int32()).to_numpy()


def joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join the rows to fewer batches, those of many small files to one."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if pending and (rows + batch.num_rows > JOINED_ROWS or size + batch.nbytes > JOINED_BYTES):
            yield _one(pending)
            pending, rows, size = [], 0, 0
        pending.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if pending:
        yield _one(pending)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def split_by_time(batch: pa.RecordBatch, date: str, first_eval_day: datetime.date) -> dict[str, pa.RecordBatch]:
    """Split the rows: those before `first_eval_day` are "train", the others "eval"."""
    is_train = pc.less(batch.column(date), pa.scalar(first_eval_day))
    return {"train": batch.filter(is_train), "eval": batch.filter(pc.invert(is_train))}


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Wrap each value in a list of one, as tf.Example holds it; a null becomes a null list, so the feature is absent."""
    return pa.RecordBatch.from_arrays([_as_list(column) for column in batch.columns], names=batch.schema.names)


def _as_list(column: pa.Array) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(column.is_valid().to_numpy(zero_copy_only=False))]).astype(np.int32)
    values = column.drop_null()
    if pa.types.is_string(values.type):
        values = values.cast(pa.binary())
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=column.is_null())
