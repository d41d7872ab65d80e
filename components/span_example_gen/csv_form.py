"""Find how a CSV file is written: its separator and the names of its columns, from its first line."""

import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from components.shared.errors import BadData
from components.span_example_gen.limits import MAX_COLUMNS, MAX_HEADER_BYTES

DELIMITERS = ",;\t|"
LINE_END = re.compile(rb"\r\n?|\n")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
HINT = re.compile(rb'"?sep=.?"?')


class Form(NamedTuple):
    """How a file is written.

    Attributes:
        path: the file.
        delimiter: what separates the cells.
        names: of its columns.
        is_empty: whether nothing follows them.
    """

    path: Path
    delimiter: str
    names: list[str]
    is_empty: bool


def form_of(path: Path, expected: Collection[str]) -> Form:
    """Look at the first line; the separator is the one by which most of the `expected` columns are there.

    Raises:
        BadData, UnicodeDecodeError: it holds no names.
    """
    with path.open("rb") as file:
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
    return Form(path, delimiter, found[delimiter], is_whole and not start[len(line) :].strip())


def _names(line: str, delimiter: str) -> list[str]:
    if (count := line.count(delimiter) + 1) > MAX_COLUMNS:
        raise BadData(f"{count:,} columns; expected at most {MAX_COLUMNS:,}, each declared or ignored.")
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadData(f"the first line has no names of columns: {error}.") from error
