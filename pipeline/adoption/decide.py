"""From a loaded table to all that is decided of it: reads profiles, asks what only a person knows, calls the pure decisions."""

import argparse
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, BadData, listed
from components.shared.units import Unit
from components.span_example_gen import whole
from pipeline.adoption import columns, databases, dated, labels, settings, table, undated, written
from pipeline.adoption.evaluation import Block
from pipeline.adoption.find import VIEW, Ask, Found
from pipeline.adoption.folder import Adopted
from pipeline.adoption.periods import Periods
from pipeline.adoption.profiles import Profile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = 200  # held against the label at once
FEWEST = 20  # rows with a label, below which nothing is learned


def decide(con: "DuckDBPyConnection", found: Found, options: argparse.Namespace, ask: Ask) -> Adopted:
    """Decide the rest, and make the table of what the spans hold. Raises BadConfig, BadData."""
    target = labels.target(found.label, options.positive, options.task)
    if not target.is_sure:
        said = ask(f"Which value of {found.label.name} is the event, 1 (--positive)?", target.pair, target.pair[0])
        target = labels.target(found.label, said)
    blocks, spans, why_undated = _dated(con, found, target)
    date = found.date.name if found.date and spans else ""
    alone, one_way, summands, told = _known(con, found, target, spans)
    _are_columns(found.profiles, [*options.keep, *options.leave_out])
    known = columns.Known(
        found.label.name,
        date,
        found.in_label,
        alone,
        target.task.ranks_by,
        one_way,
        summands,
        told,
        keep=options.keep,
        leave_out=options.leave_out,
    )
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
    seen = settings.Seen(
        written.repeated_share(con),
        written.constant(facts, features, spans.windows),
        written.moved(facts, features, spans.windows),
    )
    return Adopted(
        options.name,
        ", ".join(map(databases.called, options.files)),
        target,
        label,
        found.label_is,
        date,
        why_undated,
        chosen,
        left_out,
        spans,
        settings.settings(target.task, spans, chosen, seen),
        found.label.rows - rows,
        facts,
    )


def _dated(con: "DuckDBPyConnection", found: Found, target: labels.Target) -> tuple[list[Block], Periods | None, str]:
    """Count the rows of each day or hour, and decide the spans; None, and why, where no date tells the rows apart."""
    if not found.date:
        return [], None, found.why_undated
    blocks = table.blocks(con, VIEW, found.date.name, target, Unit.DAY)
    if found.date.has_time and len(blocks) < dated.FEWEST[0]:
        blocks = table.blocks(con, VIEW, found.date.name, target, Unit.HOUR)
    spans = dated.periods(blocks) if blocks else None
    return blocks, spans, "" if spans else f"{found.date.name} is {listed([str(each.moment) for each in blocks[:3]])} only"


def _known(
    con: "DuckDBPyConnection", found: Found, target: labels.Target, spans: Periods | None
) -> tuple[dict[str, float], dict[str, str], list[str], dict[str, str]]:
    """Hold the columns that may be features against label and date, in a sample: each alone, and numbers together."""
    from pipeline.adoption import ranking, time_told  # noqa: PLC0415 (pandas)

    possible = [each for each in found.profiles if each not in (found.label, found.date) and each.distinct > 1]
    names = iter([each.name for each in possible])
    alone: dict[str, float] = {}
    one_way: dict[str, str] = {}
    told: dict[str, str] = {}
    date = [found.date.name] if found.date and spans else []
    times = [each.name for each in possible if each.type == "time"]
    while some := list(islice(names, COLUMNS)):
        rows = table.sample(con, VIEW, target.sql, [*some, *date])
        auc, ways = ranking.known(rows.drop(columns=date), table.LABEL, target.task)
        alone, one_way = alone | auc, one_way | ways
        if spans:
            dated_rows = rows.dropna(subset=date)
            told |= time_told.told(dated_rows[[name for name in some if name not in times]], dated_rows[date[0]], spans.unit)
    numbers = [each.name for each in possible if each.type in ("integer", "number")]
    strongest = sorted(numbers, key=lambda name: alone[name])[-COLUMNS:]
    rows = table.sample(con, VIEW, target.sql, strongest)
    return alone, one_way, target.task.summands(rows[strongest], rows[table.LABEL]), told


def _are_columns(found: Sequence[Profile], names: Sequence[str]) -> None:
    if unknown := sorted(set(names) - {each.name for each in found}):
        raise BadConfig(
            f"--keep, --leave-out: there is no column {listed(unknown)}. Expected some of {listed([p.name for p in found])}."
        )
