"""Find where a CSV file is at fault, by line: Arrow counts columns and blocks. Slow, and so only after a fault."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from components.shared.errors import BadData
from components.shared.words import shown
from components.span_example_gen.csv_form import Form, form_of

MAX_LINE_BYTES = 8 << 20


def refuse(form: Form, read: Collection[str]) -> None:
    """Raise BadData with the line that is at fault, if one is.

    Args:
        form: of the file.
        read: the columns whose text must be UTF-8.
    """
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
    """Find the text that contains a line with the separators of a row, as there is between two stray quotes."""
    last = len(cells) - 1
    for place, cell in enumerate(cells):
        if last and ("\n" in cell or "\r" in cell):
            parts = re.split(r"\r\n?|\n", cell)
            whole = parts[place > 0 : len(parts) - (place < last)]  # beside the first and the last one are other cells
            if any(line.count(delimiter) == last for line in whole):
                return place
    return None


def place(path: Path, expected: Collection[str], row: int) -> str:
    """Say in words where a row is, counted from 0."""
    for number, (line, _) in enumerate(lines(form_of(path, expected), strict=False), -1):
        if number == row:
            return f"line {line}"
    return f"row {row + 1}"


def lines(form: Form, strict: bool) -> Iterator[tuple[int, list[str]]]:
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
