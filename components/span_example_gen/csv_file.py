"""Read a CSV file in batches of text; `values` decides what a text means."""

import io
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from components.shared import values
from components.shared.errors import BadData, shown
from components.span_example_gen import columns, csv_lines, limits
from components.span_example_gen.columns import Batches

BLOCK_BYTES = 8 << 20  # also the longest row
COMMA = partial(pc.match_substring, pattern=",")
POINT = partial(pc.match_substring_regex, pattern=r"\.(\d\d|[1-9])")  # 1.0 is an integer in any file
# A number with a decimal comma, such that none of its digits may be thousands.
SURELY_DECIMAL = partial(pc.match_substring_regex, pattern=r"^\s*[+-]?(\d*,(\d{1,2}|\d{4,})|(|0\d*|\d{4,}),\d{3})\s*$")


def batches(path: Path, schema: pa.Schema, ignored: Collection[str], missing: Collection[str]) -> Batches:
    """Yield batches with the columns of `schema`, as text. Others that are `ignored` may be there too.

    Args:
        path: the file.
        schema: what to read; a decimal comma in a column of numbers becomes a point.
        ignored: names of columns.
        missing: texts that mean a missing value, beside the empty one; a quoted text is a text.

    Raises:
        BadData: columns or lines are not as expected, or too many, or too long.
        Unfit: see `with_points`.
    """
    form = csv_lines.form_of(path, schema.names)
    columns.require(schema, form.names, ignored)
    numbers = [field.name for field in schema if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)]
    rows = 0
    for batch in with_points(_texts(form, schema.names, missing), numbers):
        rows += batch.num_rows
        if rows > limits.MAX_ROWS:
            raise BadData(f"more than {limits.MAX_ROWS:,} rows; expected at most as many in a file. Write several files.")
        yield batch


class Counted(io.FileIO):
    """Counts the quotes and lines that are read: these reveal a stray quote, which Arrow never refuses."""

    quotes = _ends = 0
    _last = b"\n"

    @property
    def lines(self) -> int:
        """The number of lines, or more: a `\\r\\n` that is read in two pieces counts twice."""
        return self._ends + (self._last not in b"\r\n")

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size) or b""
        self.quotes += content.count(b'"')
        self._ends += content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")
        self._last = content[-1:] or self._last
        return content


def _texts(form: csv_lines.Form, read: Collection[str], missing: Collection[str]) -> Batches:
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
    with Counted(form.path) as source:
        try:
            blocks = pa.csv.ReadOptions(block_size=BLOCK_BYTES)
            with pa.csv.open_csv(source, blocks, parse_options=parse, convert_options=options) as reader:
                for batch in reader:
                    rows += batch.num_rows
                    yield batch
        except pa.ArrowInvalid:
            csv_lines.refuse(form, read)
            raise
    if source.quotes % 2 or (source.quotes and source.lines > rows + 1):  # Arrow reads what follows a stray quote as one text
        csv_lines.refuse(form, read)


def with_points(batches: Batches, numbers: list[str]) -> Batches:
    """Yield the batches with points in the columns of numbers. Raises Unfit where a comma may mean either.

    The decimal mark is the same in all numbers of a file, none of which separates thousands, which would look alike.
    """
    has_commas = has_points = is_sure = False
    for batch in batches:
        commas, points = (_having(batch, numbers, mark) for mark in (COMMA, POINT))
        has_commas, has_points = has_commas or bool(commas), has_points or bool(points)
        if has_commas and has_points:
            name, mark = (commas[0], COMMA) if commas else (points[0], POINT)
            why = ", and the file has numbers with a comma and with a point; expected one decimal mark, and no separator of "
            raise _unfit(batch, name, mark, f"{why}thousands")
        is_sure = is_sure or bool(_having(batch, commas, SURELY_DECIMAL))
        if commas and not is_sure:
            why = ": a decimal comma, or a separator of thousands? Expected a number such as 1.5 or 1500"
            raise _unfit(batch, commas[0], COMMA, why)
        yield _replaced(batch, commas)


def _replaced(batch: pa.RecordBatch, names: Collection[str]) -> pa.RecordBatch:
    def points(name: str, column: pa.StringArray) -> pa.StringArray:
        return pc.replace_substring_regex(column, "^([^,]*),([^,]*)$", r"\1.\2") if name in names else column

    return pa.RecordBatch.from_arrays(list(map(points, batch.schema.names, batch.columns)), schema=batch.schema)


def _having(batch: pa.RecordBatch, names: list[str], mark: Callable) -> list[str]:
    return [name for name in names if pc.any(mark(batch[name])).as_py()]


def _unfit(batch: pa.RecordBatch, name: str, mark: Callable, why: str) -> values.Unfit:
    row = pc.index(mark(batch[name]), True).as_py()
    return values.Unfit(row, f"column {name} is {shown(repr(batch[name][row].as_py()))}{why}")


def table(path: Path, types: Mapping[str, pa.DataType], missing: Collection[str]) -> pa.Table:
    """Read all columns of a file: those of `types` as `values.cast` reads them, the others as text; `missing` as in `batches`.

    Raises BadData, naming the file and the line.
    """

    def read() -> Batches:
        form = csv_lines.form_of(path, types)
        if twice := sorted({name for name in form.names if form.names.count(name) > 1}):
            raise BadData(f"line 1: column {', '.join(twice)} is there more than once; expected each name once.")
        numbers = [name for name, type_ in types.items() if type_ != pa.string() and name in form.names]
        yield from with_points(_texts(form, form.names, missing), numbers)

    def cast(batch: pa.RecordBatch) -> pa.RecordBatch:
        schema = pa.schema([(name, types.get(name, pa.string())) for name in batch.schema.names])
        return columns.conform(batch, schema, values.cast)

    found = list(columns.converted(path, read(), cast, lambda row: csv_lines.place(path, types, row)))
    if not any(batch.num_rows for batch in found):
        raise BadData(f"{path} holds no rows; expected a header and at least one line.")
    return pa.Table.from_batches(found)
