"""A row of the spans as a request has it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.adoption.sql import quoted
from pipeline.adoption.written import SPAN, WRITTEN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def first_of(con: "DuckDBPyConnection", columns: Sequence[str]) -> dict[str, object]:
    """Return a row of the newest span as a request has it: the one with the most values, "" or NaN where one is missing."""
    listed = ", ".join(map(quoted, columns))
    there = f"list_sum([{', '.join(f'({quoted(name)} IS NOT NULL)::INT' for name in columns)}])"
    rows = con.sql(f"SELECT {listed} FROM {WRITTEN} ORDER BY {quoted(SPAN)} DESC, {there} DESC LIMIT 1")
    values = dict(zip(columns, rows.fetchall()[0], strict=True))
    types = dict(zip(columns, rows.types, strict=True))
    absent = {name: "" if str(types[name]) == "VARCHAR" else math.nan for name in columns}
    return {name: absent[name] if value is None else shortest(value) for name, value in values.items()}


def shortest(value: object) -> object:
    """Return a float32 as the shortest number that it is, and anything else as it is: 41.89, and not 41.88999938964844."""
    import numpy as np  # noqa: PLC0415

    return float(str(np.float32(value))) if isinstance(value, float) else value
