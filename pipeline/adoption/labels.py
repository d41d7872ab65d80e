"""Decide what is predicted: which column, which task, and which of its values is 1. Pure functions over profiles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.shared.errors import BadConfig, BadData, listed, shown
from pipeline.adoption.label_column import NUMBER, TWO, Spellings, meaning, spellings
from pipeline.adoption.profiles import TOP, Profile
from pipeline.adoption.sql import literal, quoted
from pipeline.adoption.tasks import BINARY, MULTICLASS, REGRESSION, Task

YES = {"yes", "y", "true", "t", "positive", "pos", "1", "on", "success"}
NO = {"no", "n", "false", "f", "negative", "neg", "0", "-1", "off", "failure"}
BY_NAME = "named like a label; another: --label NAME"
LARGE = 1e6  # from which on six digits are too few
FEWEST = 20  # rows of a class: one of fewer would be absent from some training


@dataclass(frozen=True)
class Target:
    """What is predicted."""

    task: Task
    column: str
    sql: str  # of the label in the spans, NULL where a row has none
    rare: tuple[str, object]  # an operator and a value of the label: the positives, the rarest class, what is above the median
    values: str  # what the label is, in words
    sure: str  # how sure that is
    summary: str  # what is predicted, in words
    words: Mapping[str, str]  # that people read
    share_of: str = ""  # what `rare` is called, where a person wants its share
    is_sure: bool = True  # which of two values is 1
    stated: Mapping[str, object] = field(default_factory=dict)  # what [problem] says of the task, beside the label
    classes: tuple[str, ...] = ()  # of more than two values, the names
    pair: tuple[str, ...] = ()  # of two values, the one that is 1 and the one that is 0


def target(profile: Profile, positive: str = "", task: str = "", *, by_name: bool = False) -> Target:
    """Decide the task from the label's values: two are binary, a few are classes, and many numbers are a quantity.

    Args:
        profile: of the label.
        positive: of two values the one that is 1, as a person says it; empty: the one that says yes, or else the rarer one.
        task: as a person says it; empty: as the values tell.
        by_name: nobody said that this is the label: it is called so.

    Raises:
        BadConfig: no value is `positive`, or the values do not fit the `task`.
        BadData: the label has no value, a single one, or many texts.
    """
    if profile.missing == profile.rows:
        raise BadData(f"The label {profile.name} is missing in all {profile.rows:,} rows. Expected a value in most.")
    found = spellings(profile)
    if len(found) == 1:
        raise BadData(f"The label {profile.name} is {shown(profile.top[0][0])} in each row that has one. Expected two values.")
    is_number = profile.type in ("integer", "number")
    is_whole = all(re.fullmatch(r"-?\d+", value) for value in found)
    told = BINARY if len(found) == TWO else MULTICLASS if found and (is_whole or not is_number) else REGRESSION
    chosen = task or told.name
    if chosen == BINARY.name and len(found) == TWO:
        return _binary(profile, found, positive, how_sure(bool(positive), by_name))
    if positive:
        raise BadConfig(
            f"--positive {shown(positive)}: the label {profile.name} has more than two values. Expected no --positive."
        )
    if chosen == MULTICLASS.name and len(found) > TWO:
        return _multiclass(profile, found, how_sure(bool(task), by_name, "likely, or --task regression" if is_number else ""))
    if chosen == REGRESSION.name and is_number:
        return _regression(profile, how_sure(bool(task), by_name))
    examples = listed([value for value, _ in profile.top[:5]])
    what = f"{profile.distinct:,} values, such as {examples}"
    if task:
        fits = {"binary": "two values", "multiclass": f"3 to {TOP - 1} values", "regression": "numbers"}[task]
        raise BadConfig(f"--task {task}: the label {profile.name} has {what}. Expected {fits}.")
    raise BadData(
        f"The label {profile.name} has {what}. Expected numbers, at most {TOP - 1} texts, or an SQL expression of yes and no "
        f"such as --label \"{profile.name} IN ('a', 'b') AS mine\"."
    )


def how_sure(is_said: bool, by_name: bool, otherwise: str = "") -> str:
    """Say how sure the label is: what a person said, or what it was taken for.

    >>> how_sure(False, False), how_sure(True, False), how_sure(False, True)
    ('sure', 'as you say', 'named like a label; another: --label NAME')
    """
    grounds = [BY_NAME if by_name else "", "" if is_said else otherwise]
    return "; ".join(filter(None, grounds)) or ("as you say" if is_said else "sure")


def _cases(profile: Profile, values: Mapping[object, list[str]]) -> str:
    """Write the SQL that makes each value of its spellings."""
    text = f"CAST({quoted(profile.name)} AS VARCHAR)"
    return " ".join(
        f"WHEN {text} IN ({', '.join(map(literal, texts))}) THEN {literal(value)}" for value, texts in values.items()
    )


def _binary(profile: Profile, found: Spellings, positive: str, sure: str) -> Target:
    if positive and meaning(positive) not in found:
        raise BadConfig(
            f"--positive {shown(positive)}: the label {profile.name} is {listed(list(found))}. Expected one of these."
        )
    one = meaning(positive) if positive else _yes(found)
    zero = next(each for each in found if each != one)
    event, other = found[one][0][0], found[zero][0][0]
    name = called(profile.name)
    words = {"title": f"Predict {name}.", "event": name}
    if one not in YES:
        words |= {"event": f"{name} {event}", "positive": event, "negative": other}
    return Target(
        BINARY,
        profile.name,
        f"CAST(CASE {_cases(profile, {1: found[one][0], 0: found[zero][0]})} END AS BIGINT)",
        ("=", 1),
        f"1 is {shown(event)}, 0 is {shown(other)}",
        sure,
        f"The probability that {profile.name} is {event}",
        words,
        share_of="1",
        is_sure=bool(positive) or one in YES or zero in NO,
        pair=(event, other),
    )


def _yes(found: Spellings) -> str:
    """Return the larger number, or what says yes, or what stands beside a no; else the rarer value, the event that matters."""
    if all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in found):
        return max(found, key=float)
    if said := [value for value in found if value in YES]:
        return said[0]
    if others := [value for value in found if value not in NO]:
        return min(others, key=lambda value: (found[value][1], value))
    return min(found, key=lambda value: found[value][1])


def _multiclass(profile: Profile, found: Spellings, sure: str) -> Target:
    is_numbers = all(NUMBER.fullmatch(value) for value in found)
    few = [f"{texts[0]} ({rows} {'row' if rows == 1 else 'rows'})" for texts, rows in found.values() if rows < FEWEST]
    found = {value: each for value, each in found.items() if each[1] >= FEWEST}
    if len(found) <= TWO:
        raise BadData(
            f"The label {profile.name} has {len(found)} values with {FEWEST} rows or more. Expected three, or "
            "an SQL expression of yes and no."
        )
    names = {value: value if is_numbers else texts[0] for value, (texts, _) in found.items()}
    classes = [names[value] for value in sorted(found, key=float if is_numbers else str)]
    rarest = names[min(found, key=lambda value: (found[value][1], value))]
    name = called(profile.name)
    return Target(
        MULTICLASS,
        profile.name,
        f"CASE {_cases(profile, {names[value]: texts for value, (texts, _) in found.items()})} END",
        ("=", rarest),
        f"{len(classes)} classes: {listed(classes)}{f'; without {listed(few)}, of fewer than {FEWEST}' if few else ''}",
        sure,
        f"Which of {len(classes)} classes {profile.name} is",
        {"title": f"Predict {name}.", "answer": name},
        share_of=rarest,
        stated={"task": MULTICLASS.name, "classes": classes},
        classes=tuple(classes),
    )


def _regression(profile: Profile, sure: str) -> Target:
    name = called(profile.name)
    return Target(
        REGRESSION,
        profile.name,
        f"TRY_CAST({quoted(profile.name)} AS FLOAT)",
        (">", profile.middle),
        f"numbers of {_figure(profile.low)} to {_figure(profile.high)}, half of them up to {_figure(profile.middle)}",
        sure,
        f"The number {profile.name}",
        {"title": f"Predict {name}.", "answer": name},
        stated={"task": REGRESSION.name},
    )


def _figure(value: float | None) -> str:
    """Write a number with the digits that tell it from its neighbours."""
    return f"{value:.10g}" if abs(value or 0) >= LARGE else f"{value:g}"


def called(column: str) -> str:
    """Return what people call a column: its name without `_`."""
    return column.replace("_", " ").strip()
