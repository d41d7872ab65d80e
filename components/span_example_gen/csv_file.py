"""Reads a CSV file in batches."""

import csv
import re
from collections.abc import Collection, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from components.errors import BadData
from components.span_example_gen import bucket, columns
from components.span_example_gen.limits import MAX_COLUMNS, MAX_HEADER_BYTES

BLOCK_BYTES = 8 << 20  # also the longest row
NULL_VALUES = ["", "NA", "NaN"]
LINE_END = re.compile(rb"\r\n?|\n")


def batches(path: str, schema: pa.Schema, ignored: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yields batches with the columns of `schema`; float32 ones as float64, so that what does not fit is seen.

    Raises:
        BadData: a column is missing, unknown or repeated, a value is of the wrong type, or a line is too long.
    """
    with bucket.opened(path) as file:
        names = header(file)
    columns.require(schema, names, ignored)
    # Types are given, not inferred: an empty first block must not turn a column into nulls.
    types = {field.name: pa.float64() if pa.types.is_floating(field.type) else field.type for field in schema}
    options = pa.csv.ConvertOptions(
        column_types=types, include_columns=schema.names, strings_can_be_null=True, null_values=NULL_VALUES
    )
    blocks = pa.csv.ReadOptions(block_size=BLOCK_BYTES)
    try:
        with bucket.for_arrow(path) as source, pa.csv.open_csv(source, blocks, convert_options=options) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        raise pa.ArrowInvalid(_explained(str(error), names)) from error


def header(file: BinaryIO) -> list[str]:
    """The names of the columns. Raises BadData, UnicodeDecodeError."""
    start = file.read(MAX_HEADER_BYTES).lstrip(b"\r\n")
    if not start:
        raise BadData("Empty CSV file. Expected a line with the names of the columns, and rows.")
    line = LINE_END.split(start, 1)[0]
    if len(line) == len(start) and file.read(1):
        raise BadData(f"the first line has more than {MAX_HEADER_BYTES:,} bytes; expected the names of the columns.")
    if line.count(b",") >= MAX_COLUMNS:
        raise BadData(f"{line.count(b',') + 1:,} columns; expected at most {MAX_COLUMNS:,}, each declared or ignored.")
    try:
        return next(csv.reader([line.decode("utf-8-sig")]), [])
    except csv.Error as error:
        raise BadData(f"the first line has no names of columns: {error}.") from error


def _explained(message: str, names: list[str]) -> str:
    """Arrow counts columns from 0 and speaks of its blocks; a person knows columns by name, and lines."""
    if found := re.search(r"CSV column #(\d+)", message):
        message = message.replace(found[0], f"column {names[int(found[1])]}", 1)
    if re.search("straddl|out of sync", message):
        message += f" (a quote that is never closed, or a line of more than {BLOCK_BYTES:,} bytes)"
    return message.replace("error to double", "error to float")  # what is declared; see `batches`
