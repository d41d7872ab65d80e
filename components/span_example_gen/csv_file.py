"""Reads a CSV file in batches of text; what a text means is `values`' to say."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from components.shared import values
from components.shared.errors import BadData
from components.shared.words import shown
from components.span_example_gen import columns
from components.span_example_gen.limits import MAX_COLUMNS, MAX_HEADER_BYTES

BLOCK_BYTES = 8 << 20  # also the longest row
DELIMITERS = ",;\t|"
LINE_END = re.compile(rb"\r\n?|\n")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
HINT = re.compile(rb'"?sep=.?"?')
DECIMAL_COMMA = r"^\s*[+-]?\d*,\d+\s*$"
MAYBE_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$"
POINT = r"\.(\d\d|[1-9])"  # 1.0 is an integer in any file
Open = Callable[[str], BinaryIO]
Batches = Iterator[pa.RecordBatch]


class Form(NamedTuple):
    """How a file is written.

    Attributes:
        path: the file.
        opened: opens it.
        delimiter: what separates the cells.
        names: those of its columns.
        is_empty: whether nothing follows them.
    """

    path: str
    opened: Open
    delimiter: str
    names: list[str]
    is_empty: bool


def batches(path: str, schema: pa.Schema, ignored: Collection[str], missing: Collection[str], opened: Open) -> Batches:
    """Yields batches with the columns of `schema`, as text.

    Args:
        path: the file.
        schema: what to read; a decimal comma in a column of numbers becomes a point.
        ignored: columns that may be there too.
        missing: texts that mean a missing value, beside the empty one; a quoted text is a text.
        opened: opens the file.

    Raises:
        BadData: a column is missing, unknown or repeated, a line has too few or too many cells or is too long.
        Unfit: see `Commas`.
    """
    form = form_of(path, schema.names, opened)
    columns.require(schema, form.names, ignored)
    commas = Commas([field.name for field in schema if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)])
    for batch in texts(form, schema.names, missing):
        yield commas.replaced(batch)


def form_of(path: str, expected: Collection[str], opened: Open) -> Form:
    """Looks at the first line; the separator is the one by which most of the `expected` columns are there.

    Raises:
        BadData, UnicodeDecodeError: it holds no names.
    """
    with opened(path) as file:
        start = file.read(MAX_HEADER_BYTES)
        is_whole = not file.read(1)
    if start.startswith(UTF_16):
        raise BadData("the file is UTF-16; expected UTF-8. In Excel, save it as “CSV UTF-8”.")
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not start:
        raise BadData("Empty CSV file. Expected a line with the names of the columns, and rows.")
    line = LINE_END.split(start, maxsplit=1)[0]
    if len(line) == len(start) and not is_whole:
        raise BadData(f"the first line has more than {MAX_HEADER_BYTES:,} bytes; expected the names of the columns.")
    if HINT.fullmatch(line):
        raise BadData("the first line is a hint for Excel, sep=; expected the names of the columns. Remove that line.")
    found = {delimiter: _names(line.decode(), delimiter) for delimiter in DELIMITERS}
    delimiter = max(found, key=lambda each: len(set(expected) & set(found[each])))  # of equal ones the comma, the first
    return Form(path, opened, delimiter, found[delimiter], is_whole and not start[len(line) :].strip())


def _names(line: str, delimiter: str) -> list[str]:
    if (count := line.count(delimiter) + 1) > MAX_COLUMNS:
        raise BadData(f"{count:,} columns; expected at most {MAX_COLUMNS:,}, each declared or ignored.")
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadData(f"the first line has no names of columns: {error}.") from error


class Counted(io.RawIOBase):
    """Counts the quotes and the lines that are read: by these a stray quote is noticed, which Arrow never refuses."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._ends = 0
        self._last = b"\n"
        self.quotes = 0

    @property
    def lines(self) -> int:
        """Not fewer than there are; one more for each `\\r\\n` that is read in two pieces."""
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
    """Yields batches of the columns `read`. Raises BadData, naming the line."""
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
    with form.opened(form.path) as file:
        source = Counted(file)
        try:
            blocks = pa.csv.ReadOptions(block_size=BLOCK_BYTES)
            with pa.csv.open_csv(source, blocks, parse_options=parse, convert_options=options) as reader:
                for batch in reader:
                    rows += batch.num_rows
                    yield batch
        except pa.ArrowInvalid:
            refuse_fault(form, read)
            raise
    if source.quotes % 2 or (source.quotes and source.lines > rows + 1):  # Arrow takes what follows a stray quote for one text
        refuse_fault(form, read)


def table(path: Path, types: Mapping[str, pa.DataType], missing: Collection[str]) -> pa.Table:
    """All columns of a file of this machine: those of `types` as `values.cast` reads them, the others as text.

    Raises:
        BadData: naming the file and the line.
    """

    def opened(path: str) -> BinaryIO:
        return Path(path).open("rb")

    rows = 0
    batches = []
    try:
        form = form_of(str(path), types, opened)
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
        raise BadData(f"{path}, {place(str(path), types, rows + error.row, opened)}: {error}.") from error
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise BadData(f"{path} cannot be read as CSV: {error}") from error
    if not rows:
        raise BadData(f"{path} holds no rows; expected a header and at least one line.")
    return pa.Table.from_batches(batches)


def cast(name: str, column: pa.Array, type_: pa.DataType) -> pa.Array:
    """As `values.cast`. Raises Unfit, naming the column."""
    try:
        return values.cast(column, type_)
    except values.Unfit as error:
        raise values.Unfit(error.row, f"column {name} is {shown(str(error))}") from error


def refuse_fault(form: Form, read: Collection[str]) -> None:
    """Raises BadData with the line that is at fault, if one is: Arrow counts columns and blocks."""
    for line, cells in lines(form, strict=True):
        if len(cells) != len(form.names):
            raise BadData(f"line {line}: {len(cells):,} cells; expected {len(form.names):,}, as in the header.")
        if (place := _holds_rows(cells, form.delimiter)) is not None:
            raise BadData(
                f"line {line}: the quoted text in column {shown(form.names[place])} holds lines with as many cells as a row. "
                "Expected no rows in a text. Where the quotes are stray, remove or double them; else put the text on one line."
            )
        for name, cell in zip(form.names, cells, strict=True):
            if name in read and not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
                raw = shown(str(cell.encode("utf-8", "surrogateescape")))
                raise BadData(f"line {line}: column {name} is {raw}, which is not UTF-8. Write the file as UTF-8.")


def _holds_rows(cells: list[str], delimiter: str) -> int | None:
    """The place of a text with a line that is a row by its separators: what is between two stray quotes."""
    last = len(cells) - 1
    for place, cell in enumerate(cells):
        if last and ("\n" in cell or "\r" in cell):
            parts = re.split(r"\r\n?|\n", cell)
            whole = parts[place > 0 : len(parts) - (place < last)]  # beside the first and the last one are other cells
            if any(line.count(delimiter) == last for line in whole):
                return place
    return None


def place(path: str, expected: Collection[str], row: int, opened: Open) -> str:
    """Where a row is, counted from 0, in words."""
    for number, (line, _) in enumerate(lines(form_of(path, expected, opened), strict=False), -1):
        if number == row:
            return f"line {line}"
    return f"row {row + 1}"


def lines(form: Form, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """The line that each row begins in, and its cells, the header's first. What is not UTF-8 is a surrogate. Slow."""
    csv.field_size_limit(BLOCK_BYTES)
    with form.opened(form.path) as file:
        content = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
        rows = csv.reader(_bounded(content), delimiter=form.delimiter, strict=strict)
        line = 1
        try:
            for cells in rows:
                if cells:
                    yield line, cells
                line = rows.line_num + 1
        except csv.Error as error:
            hint = f"a quote that is never closed, or a line of more than {BLOCK_BYTES:,} bytes"
            raise BadData(f"line {line}: {error} ({hint}).") from error


def _bounded(content: io.TextIOWrapper) -> Iterator[str]:
    while line := content.readline(BLOCK_BYTES):
        if len(line) == BLOCK_BYTES:
            raise csv.Error("too long")
        yield line


class Commas:
    """The decimal mark of a file: all its numbers have the same, and none has separators of thousands, which look alike."""

    def __init__(self, numbers: list[str]):
        self._numbers = numbers
        self._is_sure = self._has_points = self._has_commas = False

    def replaced(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with points. Raises Unfit where a comma may mean either."""
        found = {name: batch.column(name) for name in self._numbers}
        commas = {name: column for name, column in found.items() if _any(pc.match_substring(column, ","))}
        points = {name: column for name, column in found.items() if _any(pc.match_substring_regex(column, POINT))}
        self._has_points, self._has_commas = self._has_points or bool(points), self._has_commas or bool(commas)
        if self._has_points and self._has_commas:
            name, column, mark = next((*item, mark) for some, mark in ((commas, ","), (points, POINT)) for item in some.items())
            row = pc.index(pc.match_substring_regex(column, mark), True).as_py()
            raise values.Unfit(
                row,
                f"column {name} is {shown(repr(column[row].as_py()))}, and the file has numbers with a comma and with a point; "
                "expected one decimal mark, and no separator of thousands",
            )
        for column in commas.values():
            is_thousands = pc.match_substring_regex(column, MAYBE_THOUSANDS)
            self._is_sure = self._is_sure or _any(pc.and_not(pc.match_substring_regex(column, DECIMAL_COMMA), is_thousands))
        if commas and not self._is_sure:
            name, column = next(iter(commas.items()))
            row = pc.index(pc.match_substring(column, ","), True).as_py()
            raise values.Unfit(
                row,
                f"column {name} is {shown(repr(column[row].as_py()))}: a decimal comma, or a separator of thousands? "
                "Expected a number such as 1.5 or 1500",
            )
        with_points = {
            name: pc.replace_substring_regex(column, "^([^,]*),([^,]*)$", r"\1.\2") for name, column in commas.items()
        }
        return pa.record_batch({name: with_points.get(name, batch.column(name)) for name in batch.schema.names})


def _any(found: pa.BooleanArray) -> bool:
    return bool(pc.any(found).as_py())
