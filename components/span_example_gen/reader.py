"""Reads Parquet and CSV files as Arrow RecordBatches of declared columns, and encodes them. No loop over rows."""

import csv
import datetime
import io
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from components.errors import BadData
from components.span_example_gen import bucket

ARROW_TYPES = {"string": pa.string(), "float32": pa.float32(), "int64": pa.int64()}
BATCH_ROWS = 65_536
CSV_BLOCK_BYTES = 8 << 20


def read(path: Path | str, columns: Mapping[str, str], date: str, ignored: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
    """Yields a file's rows in batches.

    Args:
        path: a `.parquet` or `.csv` file, or a URI of one; a CSV file is UTF-8 with a header, its missing values are empty.
        columns: the columns to read, name to dtype ("string", "float32" or "int64").
        date: a column of dates, read beside them.
        ignored: columns that may be there too, and are not read.

    Yields:
        Batches with exactly `columns` and `date` (date32). NaN is null.

    Raises:
        BadData: the file is truncated, ragged, not UTF-8, has no rows, lacks a column or has one more, or a value is of the
            wrong type.
    """
    schema = pa.schema([(name, ARROW_TYPES[dtype]) for name, dtype in columns.items()] + [(date, pa.date32())])
    rows = 0
    try:
        for batch in _batches(path, schema, ignored):
            rows += batch.num_rows
            yield conform(batch, schema)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise BadData(
            f"{path} cannot be read: {_with_column_name(str(error), path)}. "
            f"Expected a whole, UTF-8 {PurePosixPath(path).suffix[1:]} file whose values have the declared types."
        ) from error
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    if not rows:
        raise BadData(f"{path} has no rows; expected at least one. Remove the file if the span really is empty.")


def _with_column_name(message: str, path: Path | str) -> str:
    """Arrow counts a CSV file's columns from 0; a person knows them by name."""
    if not (found := re.search(r"CSV column #(\d+)", message)):
        return message
    with io.TextIOWrapper(bucket.opened(str(path)), encoding="utf-8", errors="replace", newline="") as file:
        names = next(csv.reader(file))
    return message.replace(found[0], f"column {names[int(found[1])]}", 1)


def _opened(path: Path | str) -> AbstractContextManager[BinaryIO | str]:
    """What Arrow reads: it is quicker with a path than with an open file."""
    return bucket.opened(str(path)) if bucket.is_in_bucket(str(path)) else nullcontext(str(path))


def _batches(path: Path | str, schema: pa.Schema, ignored: Collection[str]) -> Iterator[pa.RecordBatch]:
    if PurePosixPath(path).suffix == ".parquet":
        with _opened(path) as source, pa.parquet.ParquetFile(source) as file:
            _require(schema, file.schema_arrow.names, ignored)
            yield from file.iter_batches(BATCH_ROWS, columns=schema.names)
    else:
        # Types are given, not inferred: an empty first block must not turn a column into nulls.
        # What is left unread is bytes, which any value is.
        types = dict.fromkeys(ignored, pa.binary()) | dict(zip(schema.names, schema.types, strict=True))
        options = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=["", "NA", "NaN"])
        blocks = pa.csv.ReadOptions(block_size=CSV_BLOCK_BYTES)
        with _opened(path) as source, pa.csv.open_csv(source, blocks, convert_options=options) as file:
            _require(schema, file.schema.names, ignored)
            yield from file


def _require(schema: pa.Schema, present: list[str], ignored: Collection[str]) -> None:
    if missing := [name for name in schema.names if name not in present]:
        raise BadData(
            f"column {', '.join(missing)} is missing. Expected {', '.join(schema.names)}; found {', '.join(present)}."
        )
    if repeated := sorted({name for name in schema.names if present.count(name) > 1}):
        raise BadData(f"column {', '.join(repeated)} stands more than once. Expected each column once.")

    if unknown := sorted(set(present) - set(schema.names) - set(ignored)):
        names = ", ".join(name or '"" (without a name)' for name in unknown)
        raise BadData(
            f"column {names} is not declared. Declare it among the features and in the schema, "
            "or list it under data.ignore_columns to leave it unread."
        )


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Casts each column to the schema's type. Raises BadData, naming the one that does not fit."""
    arrays = []
    for field in schema:
        column = batch.column(field.name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        try:
            if pa.types.is_floating(column.type):
                column = pc.if_else(pc.is_nan(column), None, column)
            # Rounding to float32 is meant; a float that is no integer in an integer column is an error.
            arrays.append(column.cast(field.type, safe=not pa.types.is_floating(field.type)))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadData(f"column {field.name} is {column.type}; expected {field.type}: {error}") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def check_dates(batch: pa.RecordBatch, date: str, span: str) -> None:
    """Raises BadData unless every row's date lies in the month `span`."""
    outside = pc.fill_null(pc.not_equal(pc.strftime(batch.column(date), "%Y-%m"), span), True)
    if pc.any(outside).as_py():
        first = batch.column(date).filter(outside)[0]
        raise BadData(
            f"{pc.sum(outside).as_py()} rows have a {date} outside their span {span}, such as {first}. "
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
