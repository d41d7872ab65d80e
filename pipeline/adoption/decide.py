"""From a loaded table to all that is decided of it: reads profiles, asks what only a person knows, calls the pure decisions."""

import argparse
from itertools import islice
from typing import TYPE_CHECKING

from components.shared.errors import BadData, listed
from components.shared.units import Unit
from components.span_example_gen import whole
from pipeline.adoption import classes, columns, databases, dated, labels, said, settings, table, undated, written
from pipeline.adoption.evaluation import Block
from pipeline.adoption.find import VIEW, Ask, Found
from pipeline.adoption.folder import Adopted
from pipeline.adoption.periods import Periods
from pipeline.adoption.profiles import Profile

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

COLUMNS = 200  # held against the label at once
FEWEST = 20  # rows with a label, below which nothing is learned


def decide(con: "DuckDBPyConnection", found: Found, options: argparse.Namespace, ask: Ask) -> Adopted:
    """Decide the rest, and make the table of what the spans hold. Raises BadConfig, BadData."""
    target = labels.target(found.label, options.positive, options.task, by_name=found.label_by_name)
    if not target.is_sure:
        event = ask(f"Which value of {found.label.name} is the event, 1 (--positive)?", target.pair, target.pair[0])
        target = labels.target(found.label, event, by_name=found.label_by_name)
    blocks, spans = _dated(con, found.date, target)
    date = found.date.name if found.date and spans else ""
    known = _known(con, found, target, date=date, order=_order(con, found, spans, target), options=options)
    said.check(found.profiles, known)
    chosen, left_out = columns.choose(found.profiles, known)
    if not chosen:
        why = "; ".join(f"{each.name}: {each.why}" for each in left_out[:5])
        raise BadData(f"No column can be a feature beside the label {known.label}. {why or 'There is no other'}. Expected one.")
    label, features = found.label.name, [each.name for each in chosen]
    rows = sum(block.rows for block in blocks) if spans else table.labelled(con, VIEW, target.sql)
    if rows < FEWEST:
        raise BadData(
            f"{rows} rows have a label{' and a date' if spans else ''}. Expected {FEWEST} or more: on fewer nothing is learned."
        )
    unit, names = (spans.unit, spans.names) if spans else (Unit.MONTH, undated.names(rows, whole.now()))
    written.select(con, VIEW, date=date, label=(label, target.sql), chosen=chosen, unit=unit, spans=names)
    if not spans:
        share = undated.eval_share(rows)
        spans = undated.periods(written.hash_splits(con, [*features, label], target, share), share)
    if not (spans.train[0].rows and spans.evaluation[0].rows):
        raise BadData(f"{rows} rows are too few: the first run has none to train on, or to evaluate. Expected more.")
    facts = written.facts(con)
    absent = classes.lacking(con, target.classes, label, date, spans)
    seen = settings.Seen(
        written.repeated_share(con),
        written.constant(facts, features, spans.windows),
        written.moved(facts, features, spans.windows),
        list(absent),
    )
    return Adopted(
        options.name,
        ", ".join(map(databases.called, options.files)),
        target,
        label,
        found.label_is,
        date,
        _why_undated(found, spans, blocks),
        chosen,
        left_out,
        spans,
        settings.settings(target.task, spans, chosen, seen),
        found.label.rows - rows,
        facts,
        absent,
        target.task.lost_digits(found.label_is or label, _values(con, found.label.name, target)),
    )


def _values(con: "DuckDBPyConnection", column: str, target: labels.Target) -> "pd.Series":
    return table.sample(con, VIEW, target.sql, [column])[column]


def _dated(con: "DuckDBPyConnection", date: Profile | None, target: labels.Target) -> tuple[list[Block], Periods | None]:
    """Count the rows of each day or hour, and decide the spans; None where no date tells the rows apart."""
    if not date:
        return [], None
    blocks = table.blocks(con, VIEW, date.name, target, Unit.DAY)
    if date.has_time and len(blocks) < dated.FEWEST[0]:
        blocks = table.blocks(con, VIEW, date.name, target, Unit.HOUR)
    return blocks, dated.periods(blocks) if blocks else None


def _why_undated(found: Found, spans: Periods | None, blocks: list[Block]) -> str:
    if spans or not found.date:
        return found.why_undated
    return f"{found.date.name} is {listed([str(each.moment) for each in blocks[:3]])} only"


def _order(con: "DuckDBPyConnection", found: Found, spans: Periods | None, target: labels.Target) -> tuple[str, Unit] | None:
    """Return the column that tells when a row is from, and a unit; without a date that of a time which might have been it."""
    if found.date and spans:
        return found.date.name, spans.unit
    _, spans = _dated(con, found.clock, target)
    return (found.clock.name, spans.unit) if found.clock and spans else None


def _known(
    con: "DuckDBPyConnection",
    found: Found,
    target: labels.Target,
    *,
    date: str,
    order: tuple[str, Unit] | None,
    options: argparse.Namespace,
) -> columns.Known:
    """Hold the columns that may be features against label and time, in a sample: each alone, and numbers together.

    Args:
        con: with the view.
        found: its columns.
        target: the label.
        date: column of the date; empty: there is none.
        order: the column that tells when a row is from, and the unit of spans; None where nothing tells.
        options: what a person keeps and leaves out.
    """
    from pipeline.adoption import digits, ranking, time_told  # noqa: PLC0415 (pandas)

    possible = [each for each in found.profiles if each not in (found.label, found.date) and each.distinct > 1]
    numbers = [each.name for each in possible if each.type in ("integer", "number")]
    names = iter([each.name for each in possible])
    alone: dict[str, float] = {}
    one_way: dict[str, str] = {}
    told: dict[str, str] = {}
    doubts = time_told.by_name(possible)
    times = [each.name for each in possible if each.type == "time"]
    while some := list(islice(names, COLUMNS)):
        rows = table.sample(con, VIEW, target.sql, list(dict.fromkeys([*some, *(order or ())[:1]])))
        auc, ways = ranking.known(rows[[*some, table.LABEL]], table.LABEL, target.task)
        alone, one_way = alone | auc, one_way | ways
        doubts |= {name: why for name in some if name in numbers and (why := digits.of_feature(rows[name]))}
        if order:
            dated_rows = rows.dropna(subset=order[0])
            told |= time_told.told(dated_rows[[name for name in some if name not in times]], dated_rows[order[0]], order[1])
    strongest = sorted(numbers, key=lambda name: alone[name])[-COLUMNS:]
    rows = table.sample(con, VIEW, target.sql, strongest)
    return columns.Known(
        found.label.name,
        date,
        found.in_label,
        alone,
        target.task.ranks_by,
        one_way,
        target.task.summands(rows[strongest], rows[table.LABEL]),
        told,
        doubts,
        keep=options.keep,
        leave_out=options.leave_out,
    )
