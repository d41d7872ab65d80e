"""Find the label and the date of a table: as a person says, as the columns tell, or by asking."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, listed
from pipeline.adoption import dates, label_column, profiles, table
from pipeline.adoption.profiles import Profile
from pipeline.adoption.reasons import numbers_the_row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VIEW = "extended"  # the cleaned table with the label, the date and times as such
NUMBERS = ("integer", "number")  # types of a Profile
NO_DATE = "none"  # as a person says it
Ask = Callable[[str, Sequence[str], str], str]  # a question, answers, the one that is proposed; without one, any answer will do


@dataclass(frozen=True)
class Found:
    """The columns of a table, with those that were computed."""

    profiles: list[Profile]
    label: Profile
    label_is: str  # its SQL, where it is no column of the table
    in_label: list[str]  # columns that its SQL names
    date: Profile | None
    why_undated: str = ""
    notes: Sequence[str] = ()  # on dates that were put together
    label_by_name: bool = False  # nobody said which column is the label: it is called so
    clock: Profile | None = None  # what might have been the date, where there is none


def find(con: "DuckDBPyConnection", options: argparse.Namespace, old_names: Mapping[str, str], ask: Ask) -> Found:
    """Profile the table, and find label and date.

    Args:
        con: with the cleaned table.
        options: `label` and `date`, as a person says them, in the names of the file or those that the columns got.
        old_names: of the columns that are called otherwise now, new to old.
        ask: what only a person knows.

    Raises:
        BadConfig: what a person says is not in the table.
    """
    found = profiles.profile(con)
    names = [each.name for each in found]
    label, by_name = (options.label, False) if options.label else _label(found, old_names, ask)
    said = {"label": label, "date": options.date.removeprefix(NO_DATE)}
    stated = {what: _stated(what, text, names, old_names) for what, text in said.items()}
    computed = {name: sql for name, sql in stated.values() if sql}
    label_is = computed.get(stated["label"][0], "")
    notes, made = _times(con, [each for each in found if each.name not in computed], options.date, stated["date"][0], ask)
    computed = made | computed
    table.add(con, computed, VIEW, old_names)
    found = [each for each in found if each.name not in computed] + (profiles.profile(con, VIEW, computed) if computed else [])
    [label] = [each for each in found if each.name == stated["label"][0]]
    date, why_undated = (None, "as you say") if options.date == NO_DATE else _date(found, stated["date"][0], ask)
    times = [each for each in found if each.type == "time" and each != label]
    clock = None if date else next(iter(dates.candidates(times)), None)
    in_label = [
        name
        for name in names
        if any(re.search(rf"(?i)(?<!\w){re.escape(each)}(?!\w)", label_is) for each in {name, old_names.get(name, name)})
    ]
    return Found(found, label, label_is, in_label, date, why_undated, notes, by_name, clock)


def _stated(what: str, text: str, names: Sequence[str], old_names: Mapping[str, str]) -> tuple[str, str]:
    """Return the column that a person says, and its SQL where it is computed. Raises BadConfig if it is neither."""
    new_names = {old: new for new, old in old_names.items()}
    name = new_names.get(text, text)
    if not name or name in names:
        return name, ""
    if re.fullmatch(r"\w+", name):
        near = table.near([name], [*names, *new_names]) or sorted(names)
        raise BadConfig(f"--{what} {name}: there is no such column. Expected one of {listed(near)}, or SQL.")
    sql, name = table.expression(text, what)
    return name, sql


def _times(
    con: "DuckDBPyConnection", found: Sequence[Profile], said: str, date: str, ask: Ask
) -> tuple[list[str], dict[str, str]]:
    """Return notes, and the SQL of the times that are written as texts, as numbers, or in several columns."""
    computed: dict[str, str] = {}
    either: dict[str, list[str]] = {}
    for each in found:
        possible = table.most_parsed(con, dates.as_time(each))
        if len(possible) == 1:
            computed[each.name] = possible[0]
        elif possible:
            either[each.name] = possible
    is_dated = bool(said and said not in either) or bool(computed) or any(each.type == "time" for each in found)
    notes: list[str] = []
    for name, possible in either.items():
        if name == date or not is_dated:
            question = f"No row tells whether the day or the month is first in {name} (--date, as SQL)?"
            answers = [f"{sql} AS {name}" for sql in possible]
            if (answer := ask(question, [*answers, NO_DATE], answers[0])) != NO_DATE:
                return notes, computed | {name: possible[answers.index(answer)]}
        else:
            notes.append(f"No row tells whether the day or the month is first in {name}: it stays a text.")
    if not (is_dated or either) and (join := dates.joined(found)):
        name, sql, parts = join
        return [f"The date of a row, {name}, is made of {', '.join(parts)}."], {name: sql}
    return notes, computed


def _label(found: Sequence[Profile], old_names: Mapping[str, str], ask: Ask) -> tuple[str, bool]:
    """Return the column of the label, or its SQL, as a person answers, and whether it was taken for its name instead."""
    possible = label_column.candidates(found)
    if alone := label_column.likely(possible):
        return alone.name, True
    numbers = [each for each in found if each.type in NUMBERS and each not in possible and not numbers_the_row(each)]
    if not (possible or numbers):
        raise BadConfig(
            "No column has two values, is a number, or has a name as labels have. Say what is predicted: --label NAME, or SQL "
            'as in --label "length(note) > 100 AS long".'
        )
    names = [old_names.get(each.name, each.name) for each in (*possible, *numbers)]
    return ask("Which column is predicted (--label NAME, or SQL)?", names, ""), False


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
        return None, dates.why_none(times)
    if len(possible) == 1:
        return possible[0], ""
    chosen = ask("Which date is a row's own, known before the outcome (--date)?", [*names, NO_DATE], names[0])
    return (None, "as you say") if chosen == NO_DATE else (possible[names.index(chosen)], "")
