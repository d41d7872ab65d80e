"""From a loaded table to all that is decided of it: reads profiles, asks what only a person knows, calls the pure decisions."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, BadData, listed
from components.shared.units import Unit
from components.span_example_gen import whole
from pipeline.adoption import columns, dated, dates, labels, profiles, settings, table, undated, written
from pipeline.adoption.evaluation import Block
from pipeline.adoption.folder import Adopted
from pipeline.adoption.periods import Periods
from pipeline.adoption.profiles import Profile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VIEW = "extended"  # the cleaned table with the label, the date and times as such
COLUMNS = 200  # held against the label at once
NO_DATE = "none"  # as a person says it
Ask = Callable[[str, Sequence[str], str], str]  # a question, answers, the one that is proposed


@dataclass(frozen=True)
class Found:
    """The columns of a table, with those that were computed."""

    profiles: list[Profile]
    label: Profile
    label_is: str  # its SQL, where it is no column of the table
    in_label: list[str]  # columns that its SQL names
    date: Profile | None
    why_undated: str = ""


def find(con: "DuckDBPyConnection", options: argparse.Namespace, new_names: Mapping[str, str], ask: Ask) -> Found:
    """Profile the table, and find label and date, as a person says or as the columns tell. Raises BadConfig, BadData."""
    found = profiles.profile(con)
    names = {each.name for each in found}
    computed = {each.name: sql for each in found if (sql := dates.as_time(each))}
    stated = {}
    for what, given in (("label", options.label), ("date", options.date.removeprefix(NO_DATE))):
        text = new_names.get(given, given)
        if text and text not in names:
            if re.fullmatch(r"\w+", text):
                raise BadConfig(f"--{what} {text}: there is no such column. Expected one of {listed(sorted(names))}, or SQL.")
            sql, name = table.expression(text, what)
            computed[name] = sql
            stated[what] = name
        else:
            stated[what] = text
    table.add(con, computed, VIEW)
    found = [each for each in found if each.name not in computed] + (profiles.profile(con, VIEW, computed) if computed else [])
    label = _label(found, stated["label"], ask)
    date, why_undated = (None, "as you say") if options.date == NO_DATE else _date(found, stated["date"], ask)
    label_is = computed.get(label.name, "") if stated["label"] else ""
    in_label = [name for name in names if re.search(rf"(?i)\b{re.escape(name)}\b", label_is)]
    return Found(found, label, label_is, in_label, date, why_undated)


def _label(found: Sequence[Profile], stated: str, ask: Ask) -> Profile:
    if stated:
        return next(each for each in found if each.name == stated)
    possible = labels.candidates(found)
    if not possible:
        raise BadConfig(
            'No column has two values. Say what is predicted: --label COLUMN, or SQL as in --label "paid > 100 AS large".'
        )
    if alone := labels.likely(possible):
        return alone
    names = [each.name for each in possible]
    chosen = ask("Which column is predicted (--label)?", names, names[0])
    return possible[names.index(chosen)]


def _date(found: Sequence[Profile], stated: str, ask: Ask) -> tuple[Profile | None, str]:
    """Return the column of the date, or why there is none."""
    times = [each for each in found if each.type == "time"]
    if stated:
        if of_that_name := [each for each in times if each.name == stated]:
            return of_that_name[0], ""
        raise BadConfig(
            f"--date {stated} is no time. Expected a date or a timestamp, or SQL such as strptime({stated}, '%d.%m.%Y')."
        )
    possible = dates.candidates(times)
    names = [each.name for each in possible]
    if not possible:
        return None, f"{listed([each.name for each in times])} is not each row's own" if times else "no column is a date"
    if len(possible) == 1:
        return possible[0], ""
    chosen = ask("Which date is a row's own, known before the outcome (--date)?", [*names, NO_DATE], names[0])
    return (None, "as you say") if chosen == NO_DATE else (possible[names.index(chosen)], "")


def decide(con: "DuckDBPyConnection", found: Found, options: argparse.Namespace, ask: Ask) -> Adopted:
    """Decide the rest, and make the table of what the spans hold. Raises BadConfig, BadData."""
    target = labels.target(found.label, options.positive, options.task)
    if not target.is_sure:
        said = ask(f"Which value of {found.label.name} is the event, 1 (--positive)?", target.pair, target.pair[0])
        target = labels.target(found.label, said)
    blocks, spans, why_undated = _dated(con, found, target)
    date = found.date.name if found.date and spans else ""
    alone, one_way = _known(con, found, target)
    _are_columns(found.profiles, [*options.keep, *options.leave_out])
    known = columns.Known(
        found.label.name, date, found.in_label, alone, target.task.ranks_by, one_way, options.keep, options.leave_out
    )
    chosen, left_out = columns.choose(found.profiles, known)
    if not chosen:
        raise BadData(f"No column can be a feature: {'; '.join(f'{each.name}: {each.why}' for each in left_out[:5])}.")
    label, features = found.label.name, [each.name for each in chosen]
    rows = sum(block.rows for block in blocks) if spans else table.labelled(con, VIEW, target.sql)
    unit, names = (spans.unit, spans.names) if spans else (Unit.MONTH, undated.names(rows, whole.now()))
    written.select(con, VIEW, date=date, label=(label, target.sql), chosen=chosen, unit=unit, spans=names)
    if not spans:
        share = undated.eval_share(rows)
        spans = undated.periods(written.hash_splits(con, [*features, label], target, share), share)
    facts = written.facts(con)
    seen = settings.Seen(
        written.repeated_share(con),
        written.constant(facts, features, spans.windows),
        written.moved(facts, features, spans.windows),
    )
    return Adopted(
        options.name,
        ", ".join(Path(each).name for each in options.files),
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


def _known(con: "DuckDBPyConnection", found: Found, target: labels.Target) -> tuple[dict[str, float], dict[str, str]]:
    """Hold each column that may be a feature against the label, in a sample."""
    from pipeline.adoption import ranking  # noqa: PLC0415 (pandas)

    not_held = (found.label, found.date)
    names = iter([each.name for each in found.profiles if each not in not_held and each.distinct > 1])
    alone: dict[str, float] = {}
    one_way: dict[str, str] = {}
    while some := list(islice(names, COLUMNS)):
        auc, ways = ranking.known(table.sample(con, VIEW, target.sql, some), table.LABEL, target.task)
        alone, one_way = alone | auc, one_way | ways
    return alone, one_way


def _are_columns(found: Sequence[Profile], names: Sequence[str]) -> None:
    if unknown := sorted(set(names) - {each.name for each in found}):
        raise BadConfig(
            f"--keep, --leave-out: there is no column {listed(unknown)}. Expected some of {listed([p.name for p in found])}."
        )
