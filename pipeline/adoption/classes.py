"""Which classes some training lacks, such as one that only the newest rows have: a run with them must not be refused."""

import datetime
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.adoption.periods import Periods
from pipeline.adoption.sql import literal, quoted
from pipeline.adoption.written import BATCH_ROWS, SPAN, WRITTEN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Moments = Mapping[str, Sequence[datetime.datetime]]  # of each class those of its rows, in order


def lacking(con: "DuckDBPyConnection", classes: Sequence[str], label: str, date: str, periods: Periods) -> dict[str, int]:
    """Count for each class the windows whose training has no row of it, where there is such a window.

    Args:
        con: with the rows of the spans.
        classes: of the label.
        label: its column.
        date: column of the date; empty: there is none, and a hash parts the rows.
        periods: the windows, and which of their rows evaluate.
    """
    if not classes:
        return {}
    trained = _trained(con, label, periods) if not date else [*dated(_moments(con, label, date), periods)]
    counts = {name: sum(name not in window for window in trained) for name in classes}
    return {name: count for name, count in counts.items() if count}


def dated(moments: Moments, periods: Periods) -> list[set[str]]:
    """Return the classes that the training of each window has. Pure."""
    unit = periods.unit
    found = []
    for window in periods.windows:
        start, middle = unit.start(window[0]), unit.evaluated_from(window[-1], periods.eval_days, periods.eval_spans)
        found.append({name for name, each in moments.items() if bisect_left(each, start) < bisect_left(each, middle)})
    return found


def _moments(con: "DuckDBPyConnection", label: str, date: str) -> Moments:
    found: dict[str, list[datetime.datetime]] = {}
    moment = f"date_trunc('hour', CAST({quoted(date)} AS TIMESTAMP))"
    for name, each in con.sql(f"SELECT DISTINCT {quoted(label)}, {moment} FROM {WRITTEN} ORDER BY 2").fetchall():
        found.setdefault(name, []).append(each)
    return found


def _trained(con: "DuckDBPyConnection", label: str, periods: Periods) -> list[set[str]]:
    """Return the classes that the training of each window has, as SpanExampleGen parts rows without a date."""
    import pyarrow.compute as pc  # noqa: PLC0415 (--help needs none)

    from components.span_example_gen import reader  # noqa: PLC0415

    of_span: dict[str, set[str]] = {}
    for span in periods.names:
        rows = con.sql(f"SELECT * EXCLUDE ({quoted(SPAN)}) FROM {WRITTEN} WHERE {quoted(SPAN)} = {literal(span)}")
        batches = (reader.split_by_hash(batch, periods.eval_share)["train"] for batch in rows.to_arrow_reader(BATCH_ROWS))
        of_span[span] = {name for batch in batches for name in pc.unique(batch[label]).to_pylist()}
    return [set().union(*(of_span[span] for span in window)) for window in periods.windows]
