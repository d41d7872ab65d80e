"""The first lines of CSV files, and the columns of several files: what a reader of rows alone does not say."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadData, listed, shown
from pipeline.adoption import encodings, profiles
from pipeline.adoption.sql import described, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITERS = (",", ";", "\t", "|", " ")
NAMELESS = re.compile(r"column\d+")  # as DuckDB calls a column without a name
NUMBERED = re.compile(r".*_\d+")
HEADER_BYTES = 1 << 20
LOOKED_AT = 3  # lines of a table whose header may be a name short


def cells(path: Path, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each row of a CSV file."""
    with encodings.opened(path) as file:
        yield from csv.reader(io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline=""), delimiter=delimiter)


def without_row_names(path: Path) -> tuple[str, list[str]] | None:
    """Find a header that is one name short, as R writes it: the first column, the rows' names, has none.

    Returns:
        The delimiter and the names; None if the header is another one.
    """
    for delimiter in DELIMITERS:
        try:
            rows = [row for row, _ in zip(cells(path, delimiter), range(LOOKED_AT), strict=False)]
        except csv.Error:
            continue
        widths = [len(row) for row in rows]
        if len(rows) > 1 and widths[0] > 1 and set(widths[1:]) == {widths[0] + 1}:
            return delimiter, rows[0]
    return None


def refuse_wide(path: Path) -> None:
    """Raise BadData for a header of more names than a table may have columns, before thousands of columns are read."""
    with encodings.opened(path) as file:
        header = file.readline(HEADER_BYTES).decode("utf-8", errors="replace")
    profiles.refuse_wide(1 + max(map(header.count, DELIMITERS[:-1])))


def refuse_ragged(path: Path) -> None:
    """Raise BadData for a file of which a row has another number of cells than the header."""
    with encodings.opened(path) as file:
        header = file.readline(HEADER_BYTES).decode("utf-8", errors="replace")
    delimiter = max(DELIMITERS[:-1], key=header.count)
    expected = 0
    try:
        for number, row in enumerate(cells(path, delimiter), 1):
            expected = expected or len(row)
            if row and len(row) != expected > 1:
                raise BadData(
                    f"{shown(path.name)}, row {number:,}: {len(row)} cells; expected {expected}, as in the header. "
                    "Correct the row, or put a text that has the separator in quotes."
                )
    except csv.Error as error:
        raise BadData(f"{shown(path.name)} is no CSV: {error}. Expected rows of cells, with texts in double quotes.") from error


def repeated(path: Path, names: Sequence[str]) -> list[str]:
    """Name the columns to which DuckDB gave a number, since the header has their name before; it tells no case apart."""
    with encodings.opened(path) as file:
        header = file.read(HEADER_BYTES).decode("utf-8", errors="replace")
    return [name for name in names if NUMBERED.fullmatch(name) and name not in header]


def differences(con: "DuckDBPyConnection", reader: str, paths: Sequence[Path]) -> list[str]:
    """Say which columns are not in all files, which `reader` of DuckDB's reads.

    Raises:
        BadData: a file has no column that others have.
    """
    if len(paths) == 1:
        return []
    names = {path: [name for name, _ in described(con, f"FROM {reader}({literal(str(path))})")] for path in paths}
    lower = {path: {name.lower() for name in found} for path, found in names.items()}
    in_files = Counter(name for found in lower.values() for name in found)
    usual = max(paths, key=lambda path: sum(in_files[name] for name in lower[path]))
    for path in paths:
        if not lower[path] & lower[usual]:
            raise BadData(
                f"{shown(path.name)} has the columns {listed(names[path])}, and {shown(usual.name)} {listed(names[usual])}. "
                "Expected files of one table: name those that belong to it."
            )
    spelled = {name.lower(): name for found in names.values() for name in found}
    partly = [f"{spelled[name]} (in {count:,})" for name, count in in_files.items() if count < len(paths)]
    return [f"Not in all {len(paths):,} files, and missing in the rows of the others: {listed(partly)}."] if partly else []
