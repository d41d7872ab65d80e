"""Read a table of any common format into a file of DuckDB's, piece by piece: memory stays bounded, whatever the size."""

import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, BadData, listed, shown
from pipeline.adoption import archives, csv_table, databases, headers, lakes
from pipeline.adoption.sql import TABLE, described

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNREADABLE = (sqlite3.Error, OSError, zipfile.BadZipFile, zlib.error, EOFError)  # also of gzip, where a file is cut or broken
MEMORY_LIMIT = "2GB"  # of DuckDB; what does not fit goes to the disk


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
        files: paths, folders or globs of CSV (also gzipped or zipped), Parquet or Arrow files; or one DuckDB or SQLite file,
            folder of a Delta or Iceberg table, or address of a Postgres database.
        folder: for what is unpacked on the way.
        query: of a database, SQL that makes the table.
        table: of a database, its name.

    Returns:
        What had to be assumed to read it, a sentence each.

    Raises:
        BadConfig: a file is not there, or of no known format, its reader is not installed, or a database's table is not named.
        BadData: the file cannot be read, or has no rows.
    """
    import duckdb  # noqa: PLC0415

    called = shown(" ".join(map(databases.called, files)))
    try:
        notes = _load(con, files, folder, query, table)
        rows = con.sql(f"SELECT count(*) FROM {TABLE}").fetchall()[0][0]
    except (*UNREADABLE, duckdb.Error) as error:
        why = shown(str(error).splitlines()[0].rstrip("."))
        raise BadData(f"{called} cannot be read: {why}. Expected a whole file of the format in its name.") from error
    if not rows:
        raise BadData(f"{called} holds no rows. Expected a header and rows below it.")
    zoned = [name for name, type_ in described(con) if type_ == "TIMESTAMP WITH TIME ZONE"]
    return notes + ([f"Times with a zone are taken in UTC: {listed(zoned)}."] if zoned else [])


def _load(con: "DuckDBPyConnection", files: Sequence[str], folder: Path, query: str, table: str) -> list[str]:
    if databases.is_address(files[0]):
        return databases.load_postgres(con, _alone(files), databases.asked(files[0], query, table))
    lake = lakes.kind(Path(files[0]))
    paths = [] if lake else archives.found(files)
    if paths and (kind := databases.kind(paths[0])):
        return databases.load_file(con, Path(_alone(files)), kind, databases.asked(files[0], query, table), folder)
    if query or table:
        raise BadConfig(f"--query and --table are for databases; {shown(files[0])} is none. Expected a DuckDB or SQLite file.")
    if lake:
        return lakes.load(con, Path(_alone(files)), lake)
    lakes.refuse_parts(paths)
    return _load_files(con, paths, folder)


def _alone(files: Sequence[str]) -> str:
    if len(files) > 1:
        raise BadConfig(f"{shown(databases.called(files[0]))} is a table or database of its own. Expected no other file.")
    return files[0]


def _load_files(con: "DuckDBPyConnection", paths: list[Path], folder: Path) -> list[str]:
    formats = {archives.format_of(path) for path in paths}
    if formats == {"zip"}:
        return _load_files(con, archives.unpacked(paths, folder / "unpacked"), folder)
    names, called = [str(path) for path in paths], listed([path.name for path in paths])
    match formats.pop() if len(formats) == 1 else None:
        case "csv":
            return csv_table.load(con, paths, folder)
        case "parquet":
            con.execute(f"CREATE TABLE {TABLE} AS FROM read_parquet(?, union_by_name = true)", [names])
            return headers.differences(con, "read_parquet", paths)
        case "arrow":
            import pyarrow.dataset  # noqa: PLC0415 (half a second)

            try:
                con.register("arrow_files", pyarrow.dataset.dataset(names, format="feather"))
            except pyarrow.ArrowException as error:
                raise BadData(f"{called}: no Arrow file. Expected whole ones, as Feather or Arrow's IPC writes.") from error
            con.execute(f"CREATE TABLE {TABLE} AS FROM arrow_files")
            return []
        case _:
            raise BadConfig(f"{called}: expected files of one format, ending in {', '.join(archives.SUFFIXES)}.")
