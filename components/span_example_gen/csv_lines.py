"""Read a CSV file by lines: how it is written, and where it is at fault, since Arrow counts columns and blocks."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from components.shared.errors import BadData, shown
from components.span_example_gen import limits

DELIMITERS = ",;\t|"
LINE_END = re.compile(r"\r\n?|\n")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
HINT = re.compile('"?sep=.?"?')
MAX_LINE_BYTES = 8 << 20


class Form(NamedTuple):
    """How a file is written: what separates its cells, the names of its columns, and whether nothing follows them."""

    path: Path
    delimiter: str
    names: list[str]
    is_empty: bool


def form_of(path: Path, expected: Collection[str]) -> Form:
    """Look at the first line; the separator is the one by which most of the `expected` columns are there.

    Raises BadData or UnicodeDecodeError if it holds no names.
    """
    with path.open("rb") as file:
        start = file.read(limits.MAX_HEADER_BYTES)
        is_whole = not file.read(1)
    if start.startswith(UTF_16):
        raise BadData("the file is UTF-16; expected UTF-8. In Excel, save it as “CSV UTF-8”.")
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not start:
        raise BadData("Empty CSV file. Expected a line with the names of the columns, and rows.")
    first = start.splitlines()[0]
    if first == start and not is_whole:
        raise BadData(f"the first line has more than {limits.MAX_HEADER_BYTES:,} bytes; expected the names of the columns.")
    line = first.decode()
    if HINT.fullmatch(line):
        raise BadData("the first line is a hint for Excel, sep=; expected the names of the columns. Remove that line.")
    found = {delimiter: _names(line, delimiter) for delimiter in DELIMITERS}
    delimiter = max(found, key=lambda each: len(set(expected) & set(found[each])))  # of equal ones the comma, the first
    return Form(path, delimiter, found[delimiter], is_whole and not start[len(first) :].strip())


def _names(line: str, delimiter: str) -> list[str]:
    if (count := line.count(delimiter) + 1) > limits.MAX_COLUMNS:
        raise BadData(f"{count:,} columns; expected at most {limits.MAX_COLUMNS:,}, each declared or ignored.")
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadData(f"the first line has no names of columns: {error}.") from error


def refuse(form: Form, read: Collection[str]) -> None:
    """Raise BadData with the line that is at fault, if one is; what is `read` must be UTF-8. Slow: only after a fault."""
    for line, cells in _lines(form, strict=True):
        if len(cells) != len(form.names):
            raise BadData(f"line {line}: {len(cells):,} cells; expected {len(form.names):,}, as in the header.")
        for place, (name, cell) in enumerate(zip(form.names, cells, strict=True)):
            if ("\n" in cell or "\r" in cell) and _holds_rows(cell, place, len(cells) - 1, form.delimiter):
                raise BadData(
                    f"line {line}: the quoted text in column {shown(name)} holds lines with as many cells as a row. Expected "
                    "no rows in a text. Where the quotes are stray, remove or double them; else put the text on one line."
                )
            if name in read and not cell.isascii() and re.search("[\udc80-\udcff]", cell):
                raw = shown(str(cell.encode("utf-8", "surrogateescape")))
                raise BadData(f"line {line}: column {name} is {raw}, which is not UTF-8. Write the file as UTF-8.")


def _holds_rows(cell: str, place: int, last: int, delimiter: str) -> bool:
    """Tell whether a text contains a line with the separators of a row, as there is between two stray quotes."""
    parts = LINE_END.split(cell)
    whole = parts[place > 0 : len(parts) - (place < last)]  # beside the first and the last one are other cells
    return last > 0 and any(line.count(delimiter) == last for line in whole)


def place(path: Path, expected: Collection[str], row: int) -> str:
    """Say in words where a row is, counted from 0."""
    found = next(islice(_lines(form_of(path, expected), strict=False), row + 1, None), None)
    return f"line {found[0]}" if found else f"row {row + 1}"


def _lines(form: Form, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each row begins in, and its cells, the header's first. What is not UTF-8 is a surrogate."""
    csv.field_size_limit(MAX_LINE_BYTES)
    with form.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as content:
        rows = csv.reader(_bounded(content), delimiter=form.delimiter, strict=strict)
        line = 1
        try:
            for cells in rows:
                if cells:
                    yield line, cells
                line = rows.line_num + 1
        except csv.Error as error:
            hint = f"a quote that is never closed, or a line of more than {MAX_LINE_BYTES:,} bytes"
            raise BadData(f"line {line}: {error} ({hint}).") from error


def _bounded(content: io.TextIOWrapper) -> Iterator[str]:
    while line := content.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES:
            raise csv.Error("too long")
        yield line
