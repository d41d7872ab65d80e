"""The rows of the spans, as a table of DuckDB's: selected, counted, written."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.units import Unit
from components.span_example_gen.whole import MARKER
from pipeline.adoption.columns import Chosen
from pipeline.adoption.labels import Target
from pipeline.adoption.periods import Split
from pipeline.adoption.profiles import COLUMNS
from pipeline.adoption.sql import described, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SPAN, PART = "span of the row", "part of the table"  # names that no column has
WRITTEN = "written"  # the table
BATCH_ROWS = 65_536
NEWEST = 12  # windows that are compared with what followed
FILE_ROWS = 4_000_000  # of a file at most; SpanExampleGen takes 5 million
FORMS = {
    Unit.HOUR: "strftime({0}, '%Y-%m-%dT%H')",
    Unit.DAY: "strftime({0}, '%Y-%m-%d')",
    Unit.WEEK: "strftime({0}, '%G-W%V')",
    Unit.MONTH: "strftime({0}, '%Y-%m')",
    Unit.QUARTER: "strftime({0}, '%Y-Q') || quarter({0})",
    Unit.YEAR: "strftime({0}, '%Y')",
}


@dataclass
class SpanFacts:
    """What one span holds: rows, and by column how many have a value, its range, or the rows of each text."""

    span: str
    rows: int
    there: dict[str, int] = field(default_factory=dict)
    range: dict[str, tuple[float, float]] = field(default_factory=dict)
    values: dict[str, dict[str, int]] = field(default_factory=dict)


def select(
    con: "DuckDBPyConnection",
    view: str,
    *,
    date: str,
    label: tuple[str, str],
    chosen: Sequence[Chosen],
    unit: Unit,
    spans: Sequence[str],
) -> None:
    """Make the table of what the spans hold: the span, the date if there is one, the features, the label.

    Args:
        con: of the database.
        view: with all columns.
        date: column of the date, in whose order the rows are; empty: there is none, and chance parts the rows evenly.
        label: its name in the spans, and its SQL.
        chosen: the features.
        unit: of the spans.
        spans: that are written.
    """
    span = f"[{', '.join(map(literal, spans))}][CAST(1 + hash(row_number() OVER ()) % {len(spans)} AS BIGINT)]"
    columns = []
    if date:
        span, block = FORMS[unit].format(quoted(date)), "DATE" if unit.block is Unit.DAY else "TIMESTAMP"
        columns = [f"CAST(date_trunc('second', {quoted(date)}) AS {block}) AS {quoted(date)}"]
    columns += [f"{each.sql} AS {quoted(each.name)}" for each in chosen]
    con.execute(
        f"CREATE TABLE {WRITTEN} AS SELECT * FROM "
        f"(SELECT {span} AS {quoted(SPAN)}, {', '.join(columns)}, {label[1]} AS {quoted(label[0])} FROM {view}) "
        f"WHERE {quoted(label[0])} IS NOT NULL AND {quoted(SPAN)} IN ({', '.join(map(literal, spans))})"
        f"{f' ORDER BY {quoted(date)}' if date else ''}"
    )


def hash_splits(
    con: "DuckDBPyConnection", columns: Sequence[str], target: Target, share: float
) -> dict[str, tuple[Split, Split]]:
    """Count the splits of each span as SpanExampleGen makes them of rows without a date; `columns` in the declared order."""
    import pyarrow.compute as pc  # noqa: PLC0415 (--help needs none)

    from components.span_example_gen import reader  # noqa: PLC0415

    found: dict[str, tuple[Split, Split]] = {}
    is_rare = {"=": pc.equal, ">": pc.greater}[target.rare[0]]
    for span, *_ in con.sql(f"SELECT DISTINCT {quoted(SPAN)} FROM {WRITTEN} ORDER BY 1").fetchall():
        rows = con.sql(f"SELECT {', '.join(map(quoted, columns))} FROM {WRITTEN} WHERE {quoted(SPAN)} = {literal(span)}")
        splits = [Split(0, 0), Split(0, 0)]
        for batch in rows.to_arrow_reader(BATCH_ROWS):
            for at, part in enumerate(reader.split_by_hash(batch, share).values()):
                rare = pc.sum(is_rare(part[target.column], target.rare[1])).as_py() or 0
                splits[at] = Split(splits[at].rows + part.num_rows, splits[at].rare + rare)
        found[span] = (splits[0], splits[1])
    return found


def write_spans(con: "DuckDBPyConnection", folder: Path, name: str) -> None:
    """Write `folder/<span>/<name>_0.parquet` and so on, all spans in one pass, and that the newest is whole."""
    written = folder.with_name("written")
    con.execute(
        f"COPY (SELECT *, CAST((row_number() OVER () - 1) // {FILE_ROWS} AS BIGINT) AS {quoted(PART)} FROM {WRITTEN}) "
        f"TO {literal(str(written))} (FORMAT parquet, PARTITION_BY ({quoted(SPAN)}, {quoted(PART)}))"
    )
    for partition in sorted(written.iterdir()):
        span = folder / partition.name.rpartition("=")[2]
        span.mkdir(parents=True)
        for number, file in enumerate(sorted(partition.glob("*/*.parquet"))):
            file.rename(span / f"{name}_{number}.parquet")
    shutil.rmtree(written)
    (max(folder.iterdir()) / MARKER).touch()


def facts(con: "DuckDBPyConnection") -> list[SpanFacts]:
    """Count what each span holds, oldest first."""
    columns = [(name, type_) for name, type_ in described(con, WRITTEN) if name != SPAN and type_ not in ("DATE", "TIMESTAMP")]
    texts = [name for name, type_ in columns if type_ == "VARCHAR"]
    numbers = [name for name, _ in columns if name not in texts]
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


def constant(found: Sequence[SpanFacts], features: Sequence[str], windows: Sequence[Sequence[str]]) -> list[str]:
    """Name the features that have one value only in some window."""

    def is_constant(name: str, window: Sequence[str]) -> bool:
        facts = [each for each in found if each.span in window]
        if any(name in each.values for each in facts):
            return len({value for each in facts for value in each.values[name]}) <= 1
        return len({end for each in facts for end in each.range.get(name, ())}) <= 1

    return [name for name in features if any(is_constant(name, window) for window in windows)]


def moved(found: Sequence[SpanFacts], features: Sequence[str], windows: Sequence[Sequence[str]]) -> dict[str, float]:
    """Compute for each text the largest share of rows with values that a window lacked, or that its next span lacks.

    Of the NEWEST windows, each with the newest span of the one after it.
    """
    facts = {each.span: each for each in found}
    shares: dict[str, float] = {}
    for window, following in pairwise(windows[-NEWEST - 1 :]):
        newest = facts[following[-1]].values
        for name in (each for each in features if each in newest):
            before = sum((Counter(facts[span].values[name]) for span in window), Counter())
            for there, known in ((newest[name], before), (before, newest[name])):
                lost = sum(rows for value, rows in there.items() if value not in known)
                shares[name] = max(shares.get(name, 0.0), lost / max(sum(there.values()), 1))
    return shares
