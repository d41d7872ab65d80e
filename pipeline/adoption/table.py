"""What is asked of the table, by DuckDB: expressions, a sample, rows of each day or hour."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, shown
from components.shared.units import Unit
from pipeline.adoption.evaluation import Block
from pipeline.adoption.labels import Target
from pipeline.adoption.profiles import ROWS
from pipeline.adoption.sql import literal, quoted

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

LABEL = "label of the sample"  # a name that no column has
SAMPLE = 50_000  # rows in which columns are held against the label
YEARS = (1000, 2999)  # that spans have, the first and the last
NAMED = re.compile(r"(?is)^(.*\S)\s+as\s+([a-z][a-z0-9_]*)\s*$")


def expression(text: str, default: str) -> tuple[str, str]:
    """Split what a person writes into SQL and its name.

    >>> expression("paid > 100 AS large", "label")
    ('paid > 100', 'large')
    """
    match = NAMED.match(text)
    return (match[1], match[2]) if match else (text, default)


def add(con: "DuckDBPyConnection", columns: dict[str, str], view: str, of: str = ROWS) -> str:
    """Make a view with the columns of another one and expressions by name, which take the place of a column of that name.

    Returns:
        The view.

    Raises:
        BadConfig: DuckDB does not understand an expression.
    """
    import duckdb  # noqa: PLC0415

    present = {name for name, *_ in con.sql(f"DESCRIBE {of}").fetchall()}
    replaced = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items() if name in present)
    further = "".join(f", ({sql}) AS {quoted(name)}" for name, sql in columns.items() if name not in present)
    try:
        con.execute(f"CREATE VIEW {view} AS SELECT *{f' REPLACE ({replaced})' if replaced else ''}{further} FROM {of}")
        con.execute(f"SELECT {', '.join(map(quoted, columns)) or 1} FROM {view} LIMIT 1").fetchall()
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise BadConfig(
            f"{shown(', '.join(columns.values()))} is not understood as SQL over the table: {shown(why)}"
        ) from error
    return view


def sample(con: "DuckDBPyConnection", view: str, label_sql: str, columns: Sequence[str]) -> "pd.DataFrame":
    """Take SAMPLE rows at most, those that have a label; it is the column LABEL."""
    listed = "".join(f"{quoted(name)}, " for name in columns)
    return con.sql(
        f"SELECT {listed}{label_sql} AS {quoted(LABEL)} FROM {view} WHERE {quoted(LABEL)} IS NOT NULL "
        f"USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)"
    ).df()


def blocks(con: "DuckDBPyConnection", view: str, date: str, target: Target, block: Unit) -> list[Block]:
    """Count the rows of each hour or day, in the order of time, without rows that lack a date or a label."""
    rare = f"label {target.rare[0]} {literal(target.rare[1])}"
    return [
        Block(*row)
        for row in con.sql(
            f"SELECT CAST(date_trunc('{block}', {quoted(date)}) AS TIMESTAMP) AS moment, count(*), count_if({rare}) "
            f"FROM (SELECT *, {target.sql} AS label FROM {view}) "
            f"WHERE year(moment) BETWEEN {YEARS[0]} AND {YEARS[1]} AND label IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
    ]


def labelled(con: "DuckDBPyConnection", view: str, label_sql: str) -> int:
    """Count the rows that have a label."""
    return con.sql(f"SELECT count({label_sql}) FROM {view}").fetchall()[0][0]
