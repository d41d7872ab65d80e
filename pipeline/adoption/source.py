"""Read a table of any common format into a file of DuckDB's, piece by piece: memory stays bounded, whatever the size."""

import csv
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, BadData, shown
from pipeline.adoption import csv_table
from pipeline.adoption.sql import TABLE, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_LIMIT = "2GB"  # of DuckDB; what does not fit goes to the disk
SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".zip": "zip",
}
COMPRESSED = (".gz", ".zst")
FETCHED_ROWS = 10_000


@contextmanager
def opened(folder: Path) -> "Iterator[DuckDBPyConnection]":
    """Yield a database in `folder`, as `connect`; what it cannot do with a row is BadData."""
    import duckdb  # noqa: PLC0415 (--help needs none)

    con = connect(folder)
    try:
        yield con
    except duckdb.Error as error:
        raise BadData(
            f"DuckDB could not go on: {shown(str(error).splitlines()[0])}. SQL of --label and --date must hold for each row: "
            "try_cast and try_strptime give none where they cannot."
        ) from error
    finally:
        con.close()


def connect(folder: Path) -> "DuckDBPyConnection":
    """Open a database in `folder`, which bounds its memory and holds what does not fit."""
    import duckdb  # noqa: PLC0415

    return duckdb.connect(
        str(folder / "rows.duckdb"), config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(folder / "spilled")}
    )


def load(con: "DuckDBPyConnection", files: Sequence[str], folder: Path, query: str = "", table: str = "") -> list[str]:
    """Copy the table that `files` hold into the table `given`.

    Args:
        con: of `connect`.
        files: paths, folders or globs of CSV (also gzipped or zipped), Parquet or Arrow files; or one DuckDB or SQLite file.
        folder: for what is unpacked on the way.
        query: of a database, SQL that makes the table.
        table: of a database, its name.

    Returns:
        What had to be assumed to read it, a sentence each.

    Raises:
        BadConfig: a file is not there, or of no known format, or the database's table is not named.
        BadData: the file cannot be read, or has no rows.
    """
    import duckdb  # noqa: PLC0415

    paths = found(files)
    try:
        if database := _database(paths[0]):
            notes = _load_database(con, paths[0], database, folder, query=query, table=table)
        elif query or table:
            raise BadConfig(f"--query and --table are for databases; {paths[0]} is none. Expected a DuckDB or SQLite file.")
        else:
            notes = _load_files(con, paths, folder)
        rows = con.sql(f"SELECT count(*) FROM {TABLE}").fetchall()[0][0]
    except (duckdb.Error, sqlite3.Error, OSError, zipfile.BadZipFile) as error:
        raise BadData(f"{shown(' '.join(files))} cannot be read: {shown(str(error).splitlines()[0])}") from error
    if not rows:
        raise BadData(f"{shown(' '.join(files))} holds no rows. Expected a header and rows below it.")
    return notes


def found(files: Sequence[str]) -> list[Path]:
    """List the files that the arguments name: a file, each data file below a folder, or what a glob finds. Raises BadConfig."""
    paths: list[Path] = []
    for name in files:
        path = Path(name)
        if path.is_dir():
            more = sorted(each for each in path.rglob("*") if _is_data(each.relative_to(path)) and each.is_file())
        elif path.exists():
            more = [path]
        else:
            more = sorted(each for each in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if each.is_file())
        if not more:
            raise BadConfig(f"{shown(name)} is not there, or holds no data. Expected files ending in {', '.join(SUFFIXES)}.")
        paths += more
    return paths


def _is_data(path: Path) -> bool:
    return format_of(path) is not None and not any(part.startswith((".", "_")) for part in path.parts)


def format_of(path: Path) -> str | None:
    """Return the format that a file's name tells; None if it is no known one.

    >>> format_of(Path("2013.csv.gz")), format_of(Path("a.xlsx"))
    ('csv', None)
    """
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return SUFFIXES.get(name.suffix.lower())


def _database(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(16)
    return "sqlite" if start.startswith(b"SQLite format 3") else "duckdb" if start[8:12] == b"DUCK" else None


def _load_database(con: "DuckDBPyConnection", path: Path, kind: str, folder: Path, *, query: str, table: str) -> list[str]:
    if bool(query) == bool(table):
        raise BadConfig(f"{path} is a database. Expected --table NAME or --query SQL, and not both.")
    query = query or f"SELECT * FROM {quoted(table)}"
    if kind == "duckdb":
        con.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
        catalog = con.sql("SELECT current_database()").fetchall()[0][0]
        con.execute("USE source")
        con.execute(f"CREATE TABLE {quoted(catalog)}.{TABLE} AS {query}")
        con.execute(f"USE {quoted(catalog)}")
        return []
    copy = folder / "table.csv"  # DuckDB's own reader of SQLite is an extension that it downloads
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as source, copy.open("w", newline="", encoding="utf-8") as file:
        cursor = source.execute(query)
        lines = csv.writer(file)
        lines.writerow(column[0] for column in cursor.description)
        while rows := cursor.fetchmany(FETCHED_ROWS):
            lines.writerows(rows)
    return csv_table.load(con, [copy])


def _load_files(con: "DuckDBPyConnection", paths: list[Path], folder: Path) -> list[str]:
    formats = {format_of(path) for path in paths}
    if formats == {"zip"}:
        return _load_files(con, _unpacked(paths, folder / "unpacked"), folder)
    names = [str(path) for path in paths]
    match formats.pop() if len(formats) == 1 else None:
        case "csv":
            return csv_table.load(con, paths)
        case "parquet":
            con.execute(f"CREATE TABLE {TABLE} AS FROM read_parquet(?, union_by_name = true)", [names])
        case "arrow":
            import pyarrow.dataset  # noqa: PLC0415 (half a second)

            con.register("arrow_files", pyarrow.dataset.dataset(names, format="feather"))
            con.execute(f"CREATE TABLE {TABLE} AS FROM arrow_files")
        case _:
            raise BadConfig(f"{shown(', '.join(names))}: expected files of one format, ending in {', '.join(SUFFIXES)}.")
    return []


def _unpacked(paths: list[Path], folder: Path) -> list[Path]:
    """Unpack the data files of zip archives. Raises BadConfig if there are none."""
    for number, path in enumerate(paths):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if _is_data(Path(name)) and not name.endswith("/"):
                    target = folder / f"{number}" / Path(name).name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as packed, target.open("wb") as file:
                        shutil.copyfileobj(packed, file)
    if not folder.exists():
        raise BadConfig(f"{shown(', '.join(map(str, paths)))} holds no data. Expected files ending in {', '.join(SUFFIXES)}.")
    return found([str(folder)])
