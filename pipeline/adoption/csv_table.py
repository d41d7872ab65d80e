"""Read CSV files into DuckDB: types, decimal marks and encodings are told from the rows, and what was assumed is said."""

import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import listed
from pipeline.adoption.sql import TABLE, described, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SNIFFED_ROWS = 1_000_000  # from which types are told; all rows where a later one does not fit
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "\\N", "?")  # unless quoted
TYPES = ["NULL", "BIGINT", "DOUBLE", "TIME", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR"]  # yes and no stay words
DECIMAL_COMMA = r"[+-]?\d+,\d+|[+-]?\d+"
HEADER_BYTES = 1 << 20
NUMBERED = re.compile(r".*_\d+")


def load(con: "DuckDBPyConnection", paths: Sequence[Path]) -> list[str]:
    """Read CSV files. What stands in for a missing value is in `MISSING`; the rest is DuckDB's to tell."""
    import duckdb  # noqa: PLC0415

    options: dict[str, object] = {
        "sample_size": SNIFFED_ROWS,
        "union_by_name": True,
        "nullstr": list(MISSING),
        "allow_quoted_nulls": False,
        "auto_type_candidates": TYPES,
    }
    notes = []
    read = f"CREATE OR REPLACE TABLE {TABLE} AS FROM read_csv($files, {{}})"

    def run() -> None:
        stated = ", ".join(f"{name} = {literal(value)}" for name, value in options.items())
        con.execute(read.format(stated), {"files": [str(path) for path in paths]})

    try:
        run()
    except duckdb.Error as error:
        if "not utf-8" in str(error):
            options["encoding"] = "latin-1"
            notes.append("The text is not UTF-8; it was read as Latin-1.")
        options["sample_size"] = -1
        run()
    if commas := _decimal_commas(con):
        options["decimal_separator"] = ","
        run()
        notes.append(f"A comma is the decimal mark of {listed(commas)}.")
    if repeated := _repeated(con, paths[0]):
        notes.append(f"The header has a name twice, or once more in other case: the further ones are {listed(repeated)}.")
    return notes


def _decimal_commas(con: "DuckDBPyConnection") -> list[str]:
    """Name the columns of texts that all are numbers with a decimal comma."""
    texts = [name for name, type_ in described(con) if type_ == "VARCHAR"]
    if not texts:
        return []
    tests = [
        f"bool_and(regexp_full_match({quoted(name)}, {literal(DECIMAL_COMMA)})) AND bool_or(contains({quoted(name)}, ','))"
        for name in texts
    ]
    answers = con.sql(f"SELECT {', '.join(tests)} FROM {TABLE}").fetchall()[0]
    return [name for name, all_are in zip(texts, answers, strict=True) if all_are]


def _repeated(con: "DuckDBPyConnection", path: Path) -> list[str]:
    """Name the columns to which DuckDB gave a number, since the header has their name before; it tells no case apart."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    if path.suffix.lower() == ".zst":
        return []
    with opened(path, "rb") as file:
        header = file.read(HEADER_BYTES).decode("utf-8", errors="replace")
    return [name for name, _ in described(con) if NUMBERED.fullmatch(name) and name not in header]
