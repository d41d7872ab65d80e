"""Read a table, or the answer to a query, of DuckDB, SQLite or Postgres."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.shared.errors import BadConfig, BadData, shown
from pipeline.adoption import csv_table, readers
from pipeline.adoption.sql import TABLE, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMES = ("postgres", "postgresql")
FETCHED_ROWS = 10_000


def is_address(name: str) -> bool:
    """Tell whether an argument is the address of a Postgres database."""
    return urlsplit(name).scheme in SCHEMES


def called(name: str) -> str:
    """Return what a file or database is called where people read it: no folders, no user and no password.

    >>> called("postgresql://me:secret@localhost:5432/shop?sslmode=require"), called("rows/a.csv")
    ('shop of localhost', 'a.csv')
    """
    address = urlsplit(name)
    return f"{address.path.strip('/')} of {address.hostname or 'this machine'}" if is_address(name) else Path(name).name


def kind(path: Path) -> str | None:
    """Return which database a file is, by its first bytes; None if it is none."""
    with path.open("rb") as file:
        start = file.read(16)
    return "sqlite" if start.startswith(b"SQLite format 3") else "duckdb" if start[8:12] == b"DUCK" else None


def asked(name: str, query: str, table: str) -> str:
    """Return the SQL that makes the table. Raises BadConfig unless it is named in one way."""
    if bool(query) == bool(table):
        raise BadConfig(f"{shown(called(name))} is a database. Expected --table NAME or --query SQL, and not both.")
    return query or f"SELECT * FROM {'.'.join(map(quoted, table.split('.')))}"


def load_file(con: "DuckDBPyConnection", path: Path, kind: str, query: str, folder: Path) -> list[str]:
    """Read a file of DuckDB's or SQLite's. Returns what was assumed."""
    if kind == "duckdb":
        con.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
        catalog = con.sql("SELECT current_database()").fetchall()[0][0]
        con.execute("USE source")
        con.execute(f"CREATE TABLE {quoted(catalog)}.{TABLE} AS {query}")
        con.execute(f"USE {quoted(catalog)}")
        return []
    copy = folder / "table.csv"  # DuckDB's own reader of SQLite is an extension that it downloads
    with (
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        copy.open("w", newline="", encoding="utf-8") as file,
    ):
        cursor = source.execute(query)
        lines = csv.writer(file)
        lines.writerow(column[0] for column in cursor.description)
        while rows := cursor.fetchmany(FETCHED_ROWS):
            lines.writerows(rows)
    return csv_table.load(con, [copy], folder)


def load_postgres(con: "DuckDBPyConnection", address: str, query: str) -> list[str]:
    """Read the answer to a query batch by batch, over ADBC. Raises BadConfig without its driver, BadData as Postgres says."""
    import pyarrow as pa  # noqa: PLC0415 (half a second)

    driver = readers.module("adbc_driver_postgresql.dbapi", f"{shown(called(address))} is a Postgres database")
    try:
        with driver.connect(address) as source, source.cursor() as cursor:
            cursor.execute(query)
            rows = cursor.fetch_record_batch()
            con.register("rows_of_postgres", rows)
            # A decimal number comes as its text, since Arrow has none of any length.
            decimals = [
                each.name for each in rows.schema if isinstance(each.type, pa.OpaqueType) and each.type.type_name == "numeric"
            ]
            replaced = ", ".join(f"CAST({quoted(name)} AS DOUBLE) AS {quoted(name)}" for name in decimals)
            con.execute(f"CREATE TABLE {TABLE} AS SELECT *{f' REPLACE ({replaced})' if replaced else ''} FROM rows_of_postgres")
    except driver.Error as error:
        raise BadData(
            f"Postgres cannot read {shown(called(address))}: {shown(str(error).splitlines()[0])}. Expected a table or SQL "
            "of it, and an address such as postgresql://me@localhost:5432/shop; PGPASSWORD may hold the password."
        ) from error
    return []
