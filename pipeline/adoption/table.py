"""What is asked of the table, by DuckDB: expressions, a sample, rows of each day or hour."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, listed, shown
from components.shared.units import Unit
from pipeline.adoption.evaluation import Block
from pipeline.adoption.labels import Target
from pipeline.adoption.profiles import ROWS
from pipeline.adoption.sql import described, literal, quoted

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

LABEL = "label of the sample"  # a name that no column has
SAMPLE = 50_000  # rows in which columns are held against the label
YEARS = (1000, 2999)  # that spans have, the first and the last
MOST_NEAR, NEAR = 3, 0.75  # names that are proposed, and how near they are at least, from 0 to 1
NAMED = re.compile(r"(?is)^(.*\S)\s+as\s+([a-z][a-z0-9_]*)\s*$")


def expression(text: str, default: str) -> tuple[str, str]:
    """Split what a person writes into SQL and its name.

    >>> expression("paid > 100 AS large", "label")
    ('paid > 100', 'large')
    """
    match = NAMED.match(text)
    return (match[1], match[2]) if match else (text, default)


def add(con: "DuckDBPyConnection", columns: Mapping[str, str], view: str, old_names: Mapping[str, str]) -> None:
    """Make a view of the cleaned table and expressions by name, which take the place of a column of that name.

    Args:
        con: with the cleaned table.
        columns: SQL by name, in the names of the file or those that the columns got.
        view: its name.
        old_names: of columns that are called otherwise now, new to old.

    Raises:
        BadConfig: DuckDB does not understand an expression.
    """
    import duckdb  # noqa: PLC0415

    names = [name for name, _ in described(con, ROWS)]
    olds = {name: old_names.get(name, name) for name in names}
    written = {old.lower() for old in olds.values()}
    # A name of the file means that column, also where another one got the name.
    spare = [name for name in names if olds[name] != name and name.lower() not in written]
    both = ", ".join([f"{quoted(name)} AS {quoted(olds[name])}" for name in names] + [quoted(name) for name in spare])
    made = [
        f"({columns[name]}) AS {quoted(name)}" if name in columns else f"{quoted(olds[name])} AS {quoted(name)}"
        for name in names
    ]
    made += [f"({sql}) AS {quoted(name)}" for name, sql in columns.items() if name not in names]
    try:
        con.execute(f"CREATE VIEW {view} AS SELECT {', '.join(made)} FROM (SELECT {both} FROM {ROWS})")
        con.execute(f"SELECT {', '.join(map(quoted, columns)) or 1} FROM {view} LIMIT 1").fetchall()
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        found = near([word for sql in columns.values() for word in words(sql)], [*names, *olds.values()])
        hint = (
            f" Expected columns of the table, such as {listed(found)}; in double quotes if they have spaces." if found else ""
        )
        raise BadConfig(
            f"{shown(', '.join(columns.values()))} is not understood as SQL over the table: {shown(why)}{hint}"
        ) from error


def words(sql: str) -> list[str]:
    """Return what may be names in SQL: what is in double quotes, and words outside of texts.

    >>> words('"Total Amount" > 10 AND shop')
    ['Total Amount', 'AND', 'shop']
    """
    return [quoted or word for quoted, word in re.findall(r"'[^']*'|\"([^\"]+)\"|([A-Za-z_]\w*)", sql) if quoted or word]


def near(given: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names that are spelled nearly as one of the given ones, in any case, but not exactly."""
    lower = {name.lower(): name for name in names}
    found = [
        lower[each]
        for word in given
        if word not in names
        for each in difflib.get_close_matches(word.lower(), lower, MOST_NEAR, NEAR)
    ]
    return list(dict.fromkeys(found))


def most_parsed(con: "DuckDBPyConnection", expressions: Sequence[str]) -> list[str]:
    """Return the expressions that are not missing in most of the rows: one, or several that are equally good."""
    if len(expressions) <= 1:
        return list(expressions)
    counts = con.sql(f"SELECT {', '.join(f'count({each})' for each in expressions)} FROM {ROWS}").fetchall()[0]
    return [each for each, count in zip(expressions, counts, strict=True) if count == max(counts)]


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
