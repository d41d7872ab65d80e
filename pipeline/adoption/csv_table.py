"""Read CSV files into DuckDB: types, decimal marks and encodings are told from the rows, and what was assumed is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadData, listed, shown
from pipeline.adoption import encodings, headers
from pipeline.adoption.sql import TABLE, described, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SNIFFED_ROWS = 1_000_000  # from which types are told; all rows where a later one does not fit
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "\\N", "?")  # unless quoted
TYPES = ["NULL", "BIGINT", "DOUBLE", "TIME", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR"]  # yes and no stay words
WHOLE = r"[+-]?(\d+|\d{1,3}(\.\d{3})+)"  # with a dot at each thousand, or none
DECIMAL_COMMA = rf"{WHOLE}(,\d+)?"
ROW_NAMES = "names of the rows"  # of R, which have no name themselves
MIDDLE = 12  # days up to which a day may be a month
EITHER = ("%d/", "%m/", "%d-", "%m-")  # beginnings of dates that are written either way


def load(con: "DuckDBPyConnection", paths: Sequence[Path], folder: Path) -> list[str]:
    """Read CSV files. What stands in for a missing value is in `MISSING`; the rest is DuckDB's to tell.

    Args:
        con: with the table that they become.
        paths: of the files.
        folder: for files in UTF-8, where one is not.

    Returns:
        What had to be assumed, a sentence each.

    Raises:
        BadData: rows have other numbers of cells than the header, or the files are no one table's.
    """
    import duckdb  # noqa: PLC0415

    options: dict[str, object] = {
        "sample_size": SNIFFED_ROWS,
        "union_by_name": True,
        "nullstr": list(MISSING),
        "allow_quoted_nulls": False,
        "auto_type_candidates": TYPES,
    }
    paths, notes = encodings.narrowed(paths, folder)
    headers.refuse_wide(paths[0])
    try:
        _read(con, paths, options)
    except duckdb.Error:
        paths, mended = encodings.mended(paths, folder)
        notes += mended
        options["sample_size"] = -1
        _read_or_refuse(con, paths, options)
    notes += _header(con, paths, options)
    if commas := _decimal_commas(con):
        options["decimal_separator"] = ","
        if _any(con, commas, "contains({}, '.')"):
            options["thousands"] = "."
        _read(con, paths, options)
        notes.append(f"A comma is the decimal mark of {listed(commas)}.")
    if texts := _either_way(con, paths[0], options):
        options["types"] = dict.fromkeys(texts, "VARCHAR")
        _read(con, paths, options)
    return notes + _read_as_missing(con, paths, options) + headers.differences(con, "read_csv", paths)


def _read(con: "DuckDBPyConnection", paths: Sequence[Path], options: dict[str, object]) -> None:
    stated = "".join(f", {name} = {literal(value)}" for name, value in options.items())
    con.execute(f"CREATE OR REPLACE TABLE {TABLE} AS FROM read_csv($files{stated})", {"files": [str(path) for path in paths]})
    if ROW_NAMES in [name for name, _ in described(con)]:
        con.execute(f"ALTER TABLE {TABLE} DROP COLUMN {quoted(ROW_NAMES)}")


def _read_or_refuse(con: "DuckDBPyConnection", paths: Sequence[Path], options: dict[str, object]) -> None:
    """Read the files, or say as exactly as can be told why not. Raises BadData."""
    import duckdb  # noqa: PLC0415

    try:
        _read(con, paths, options)
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        for path in paths:
            headers.refuse_ragged(path)
            why = why.replace(str(path), path.name)
        raise BadData(
            f"{listed([path.name for path in paths])}: {shown(why)} Expected CSV: a header, and as many cells in each row."
        ) from error


def _header(con: "DuckDBPyConnection", paths: Sequence[Path], options: dict[str, object]) -> list[str]:
    """Say what the header lacks, and read again where that tells more."""
    names = [name for name, _ in described(con)]
    is_nameless = all(headers.NAMELESS.fullmatch(name) for name in names)
    if (is_nameless or len(names) == 1) and (short := headers.without_row_names(paths[0])):
        delimiter, names = short
        options |= {"names": [ROW_NAMES, *names], "header": False, "skip": 1, "delim": delimiter}
        _read(con, paths, options)
        return ["The header is a name short, as R writes it: the first column is names of rows, and is left out."]
    if len(names) == 1:
        headers.refuse_ragged(paths[0])
    if is_nameless:
        return [f"There is no header: the columns are {listed(names)}."]
    if again := headers.repeated(paths[0], names):
        return [f"The header has a name twice, or once more in other case: the further ones are {listed(again)}."]
    return []


def _read_as_missing(con: "DuckDBPyConnection", paths: Sequence[Path], options: dict[str, object]) -> list[str]:
    """Name the texts that were read as missing values, and might be values: NA is Namibia too. In numbers they can be none."""
    texts = [name for name, type_ in described(con) if type_ == "VARCHAR"]
    nulls = ", ".join(f"count(*) - count({quoted(name)})" for name in texts)
    lacking = dict(zip(texts, con.sql(f"SELECT {nulls} FROM {TABLE}").fetchall()[0], strict=True)) if texts else {}
    of_types = ("auto_type_candidates", "types", "decimal_separator", "thousands")
    kept = {name: value for name, value in options.items() if name not in of_types}
    stated = "".join(f", {name} = {literal(value)}" for name, value in (kept | {"nullstr": [""], "all_varchar": True}).items())
    lacking = {name: rows for name, rows in lacking.items() if rows}
    if not lacking:
        return []
    told = ", ".join(
        f"count(*) FILTER (coalesce({each}, '') = ''), "
        f"list(DISTINCT {each}) FILTER (list_contains({literal(list(MISSING[1:]))}, {each}))"
        for each in map(quoted, lacking)
    )
    files = {"files": [str(path) for path in paths]}
    [answers] = con.execute(f"SELECT {told} FROM read_csv($files{stated})", files).fetchall()
    return [
        f"{name}: {listed(sorted(spelled))} without quotes was read as missing, in {rows - blank:,} rows; a value needs quotes."
        for (name, rows), blank, spelled in zip(lacking.items(), answers[::2], answers[1::2], strict=True)
        if spelled and rows > blank
    ]


def _any(con: "DuckDBPyConnection", names: Sequence[str], test: str) -> bool:
    """Tell whether a value of one of the columns passes a test."""
    tests = " OR ".join(f"bool_or({test.format(quoted(name))})" for name in names)
    return bool(con.sql(f"SELECT {tests} FROM {TABLE}").fetchall()[0][0])


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


def _either_way(con: "DuckDBPyConnection", path: Path, options: dict[str, object]) -> list[str]:
    """Name the dates of which no row tells whether the day or the month is first: DuckDB takes the day."""
    stated = "".join(f", {name} = {literal(options[name])}" for name in ("nullstr", "auto_type_candidates"))
    formats = con.sql(f"SELECT DateFormat, TimestampFormat FROM sniff_csv({literal(str(path))}{stated})").fetchall()[0]
    types = [type_ for type_, form in zip(("DATE", "TIMESTAMP"), formats, strict=True) if form and form[:3] in EITHER]
    dates = [name for name, type_ in described(con) if type_ in types]
    return [name for name in dates if not _any(con, [name], f"day({{}}) > {MIDDLE}")]
