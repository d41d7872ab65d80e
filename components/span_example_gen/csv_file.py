"""Read a CSV file in batches of text; `values` decides what a text means."""

import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from components.shared import values
from components.shared.errors import BadData
from components.shared.words import shown
from components.span_example_gen import columns, csv_faults
from components.span_example_gen.csv_form import Form, form_of
from components.span_example_gen.decimal_mark import Commas

BLOCK_BYTES = 8 << 20  # also the longest row
Batches = Iterator[pa.RecordBatch]


def batches(path: Path, schema: pa.Schema, ignored: Collection[str], missing: Collection[str]) -> Batches:
    """Yield batches with the columns of `schema`, as text.

    Args:
        path: the file.
        schema: what to read; a decimal comma in a column of numbers becomes a point.
        ignored: columns that may be there too.
        missing: texts that mean a missing value, beside the empty one; a quoted text is a text.

    Raises:
        BadData: a column is missing, unknown or repeated, a line has too few or too many cells or is too long.
        Unfit: see `Commas`.
    """
    form = form_of(path, schema.names)
    columns.require(schema, form.names, ignored)
    commas = Commas([field.name for field in schema if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)])
    for batch in texts(form, schema.names, missing):
        yield commas.replaced(batch)


class Counted(io.RawIOBase):
    """Counts the quotes and lines that are read: these reveal a stray quote, which Arrow never refuses."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._ends = 0
        self._last = b"\n"
        self.quotes = 0

    @property
    def lines(self) -> int:
        """The number of lines, or more: a `\\r\\n` that is read in two pieces counts twice."""
        return self._ends + (self._last not in b"\r\n")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.quotes += content.count(b'"')
        self._ends += content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")
        self._last = content[-1:] or self._last
        return content


def texts(form: Form, read: Collection[str], missing: Collection[str]) -> Batches:
    """Yield batches of the columns `read`. Raises BadData, naming the line."""
    if form.is_empty:
        return
    options = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(read, pa.string()),
        include_columns=list(read),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=["", *missing],
    )
    parse = pa.csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True)
    rows = 0
    with form.path.open("rb") as file:
        source = Counted(file)
        try:
            blocks = pa.csv.ReadOptions(block_size=BLOCK_BYTES)
            with pa.csv.open_csv(source, blocks, parse_options=parse, convert_options=options) as reader:
                for batch in reader:
                    rows += batch.num_rows
                    yield batch
        except pa.ArrowInvalid:
            csv_faults.refuse(form, read)
            raise
    if source.quotes % 2 or (source.quotes and source.lines > rows + 1):  # Arrow reads what follows a stray quote as one text
        csv_faults.refuse(form, read)


def table(path: Path, types: Mapping[str, pa.DataType], missing: Collection[str]) -> pa.Table:
    """Read all columns of a file: those of `types` as `values.cast` reads them, the others as text.

    Args:
        path: the file.
        types: of some columns, by name.
        missing: see `batches`.

    Raises:
        BadData: naming the file and the line.
    """
    rows = 0
    batches = []
    try:
        form = form_of(path, types)
        if twice := sorted({name for name in form.names if form.names.count(name) > 1}):
            raise BadData(f"line 1: column {', '.join(twice)} is there more than once; expected each name once.")
        commas = Commas([name for name, type_ in types.items() if type_ != pa.string() and name in form.names])
        for batch in texts(form, form.names, missing):
            converted = {
                name: cast(name, column, types.get(name, pa.string()))
                for name, column in zip(batch.schema.names, commas.replaced(batch).columns, strict=True)
            }
            batches.append(pa.record_batch(converted))
            rows += batch.num_rows
    except values.Unfit as error:
        raise BadData(f"{path}, {csv_faults.place(path, types, rows + error.row)}: {error}.") from error
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise BadData(f"{path} cannot be read as CSV: {error}") from error
    if not rows:
        raise BadData(f"{path} holds no rows; expected a header and at least one line.")
    return pa.Table.from_batches(batches)


def cast(name: str, column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Cast as `values.cast`. Raises Unfit, naming the column."""
    try:
        return values.cast(column, type_)
    except values.Unfit as error:
        raise values.Unfit(error.row, f"column {name} is {shown(str(error))}") from error
