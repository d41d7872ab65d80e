"""What is asked of the table and written from it, by DuckDB: expressions, samples, rows a day, spans."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, shown
from pipeline.adoption.columns import Chosen
from pipeline.adoption.periods import Day
from pipeline.adoption.profiles import COLUMNS, ROWS
from pipeline.adoption.source import literal, quoted

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

LABEL, SPAN = "label of the sample", "span of the row"  # names that no column has
WRITTEN = "written"  # the table of the spans' rows
SAMPLE = 50_000  # rows in which columns are held against the label
VALUES = 10_000  # of a text that are counted by span
NAMED = re.compile(r"(?is)^(.*\S)\s+as\s+([a-z][a-z0-9_]*)\s*$")


@dataclass
class SpanFacts:
    """What one span holds: rows, and by column how many have a value, its range, or the rows of each text."""

    span: str
    rows: int
    there: dict[str, int] = field(default_factory=dict)
    range: dict[str, tuple[float, float]] = field(default_factory=dict)
    values: dict[str, dict[str, int]] = field(default_factory=dict)


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


def days(con: "DuckDBPyConnection", view: str, date: str, label_sql: str) -> list[Day]:
    """Count the rows and positives of each day, without rows that lack a date or a label."""
    return [
        Day(*row)
        for row in con.sql(
            f"SELECT CAST({quoted(date)} AS DATE) AS day, count(*), CAST(sum(label) AS BIGINT) FROM "
            f"(SELECT *, {label_sql} AS label FROM {view}) WHERE day IS NOT NULL AND label IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
    ]


def select(
    con: "DuckDBPyConnection",
    view: str,
    *,
    date: str,
    label: tuple[str, str],
    chosen: Sequence[Chosen],
    spans: Sequence[str],
) -> None:
    """Make the table of what the spans hold: `span`, the date, the features, the label, in the order of time.

    Args:
        con: of the database.
        view: with all columns.
        date: column of the date.
        label: its name in the spans, and its SQL.
        chosen: the features.
        spans: that are written.
    """
    features = "".join(f", {each.sql} AS {quoted(each.name)}" for each in chosen)
    con.execute(
        f"CREATE TABLE {WRITTEN} AS SELECT * FROM (SELECT strftime({quoted(date)}, '%Y-%m') AS {quoted(SPAN)}, "
        f"CAST({quoted(date)} AS DATE) AS {quoted(date)}{features}, {label[1]} AS {quoted(label[0])} FROM {view}) "
        f"WHERE {quoted(label[0])} IS NOT NULL AND {quoted(SPAN)} IN ({', '.join(map(literal, spans))}) "
        f"ORDER BY {quoted(date)}"
    )


def write_spans(con: "DuckDBPyConnection", folder: Path, name: str) -> None:
    """Write `folder/YYYY-MM/<name>_0.parquet` and so on, all months in one pass."""
    con.execute(
        f"COPY {WRITTEN} TO {literal(str(folder))} (FORMAT parquet, "
        f"PARTITION_BY ({quoted(SPAN)}), FILENAME_PATTERN {literal(name + '_{i}')})"
    )
    for partition in list(folder.iterdir()):
        partition.rename(folder / partition.name.rpartition("=")[2])


def facts(con: "DuckDBPyConnection", texts: Sequence[str], numbers: Sequence[str]) -> list[SpanFacts]:
    """Count what each span holds, oldest first."""
    span = quoted(SPAN)
    found = {
        name: SpanFacts(name, rows)
        for name, rows in con.sql(f"SELECT {span}, count(*) FROM {WRITTEN} GROUP BY 1 ORDER BY 1").fetchall()
    }
    for first in range(0, len(numbers), COLUMNS):
        some = numbers[first : first + COLUMNS]
        parts = ", ".join(f"count({c}), min({c}), max({c})" for c in map(quoted, some))
        for at, *counted in con.sql(f"SELECT {span}, {parts} FROM {WRITTEN} GROUP BY 1").fetchall():
            for name, (there, low, high) in zip(some, zip(*[iter(counted)] * 3, strict=True), strict=True):
                found[at].there[name] = there
                if there:
                    found[at].range[name] = (float(low), float(high))
    for name in texts:
        c = quoted(name)
        for each in found.values():
            each.there[name], each.values[name] = 0, {}
        for at, value, rows in con.sql(
            f"SELECT {span}, {c}, count(*) FROM {WRITTEN} WHERE {c} IS NOT NULL GROUP BY 1, 2"
        ).fetchall():
            found[at].there[name] += rows
            found[at].values[name][value] = rows
    return list(found.values())


def repeated_share(con: "DuckDBPyConnection") -> float:
    """Compute the largest share of rows of a span that repeat another row of it."""
    return con.sql(
        f"SELECT max(1 - own / rows) FROM (SELECT count(*) AS rows, count(DISTINCT hash(w)) AS own FROM {WRITTEN} w "
        f"GROUP BY w.{quoted(SPAN)})"
    ).fetchall()[0][0]


def constant(found: Sequence[SpanFacts], features: Sequence[str]) -> list[str]:
    """Name the features that have one value only in some span."""

    def is_constant(facts: SpanFacts, name: str) -> bool:
        if name in facts.values:
            return len(facts.values[name]) <= 1
        low, high = facts.range.get(name, (0, 0))
        return low == high

    return [name for name in features if any(is_constant(each, name) for each in found)]


def first_of(con: "DuckDBPyConnection", columns: Sequence[str]) -> dict[str, object]:
    """Return a row of the newest span as a request has it: the one with the most values, "" or NaN where one is missing."""
    listed = ", ".join(map(quoted, columns))
    there = " + ".join(f"({quoted(name)} IS NOT NULL)::INT" for name in columns)
    rows = con.sql(f"SELECT {listed} FROM {WRITTEN} ORDER BY {quoted(SPAN)} DESC, {there} DESC LIMIT 1")
    values = dict(zip(columns, rows.fetchall()[0], strict=True))
    types = dict(zip(columns, rows.types, strict=True))
    absent = {name: "" if str(types[name]) == "VARCHAR" else math.nan for name in columns}
    return {name: absent[name] if value is None else shortest(value) for name, value in values.items()}


def shortest(value: object) -> object:
    """Return a float32 as the shortest number that it is, and anything else as it is: 41.89, and not 41.88999938964844."""
    import numpy as np  # noqa: PLC0415

    return float(str(np.float32(value))) if isinstance(value, float) else value
