"""Names and values in DuckDB's SQL, and the columns of its tables."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE = "given"  # the table as it was read


def described(con: "DuckDBPyConnection", table: str = TABLE) -> list[tuple[str, str]]:
    """Return the columns of a table with DuckDB's types."""
    return [(name, type_) for name, type_, *_ in con.sql(f"DESCRIBE {table}").fetchall()]


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Write a text, number, truth value, or a list or mapping of these as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(each)}' for key, each in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)
