"""Decide what is predicted: which column, which task, and which of its values is 1. Pure functions over profiles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from components.shared.errors import BadConfig, BadData, listed, shown
from pipeline.adoption.profiles import TOP, Profile
from pipeline.adoption.sql import literal, quoted

NAMES = re.compile(
    r"(?i)^(label|target|class|outcome|y|response|is_.*|has_.*|survived|churn.*|default.*|fraud.*|.*_flag|click(ed)?)$"
)
YES = {"yes", "y", "true", "t", "positive", "pos", "1", "on", "success"}
NO = {"no", "n", "false", "f", "negative", "neg", "0", "-1", "off", "failure"}
TWO = 2
FEW = 20  # values from which on a number is a quantity


@dataclass(frozen=True)
class Target:
    """What is predicted."""

    task: Literal["binary"]
    column: str
    sql: str  # of the label, int64, NULL where the row has none
    positive: str  # the value that is 1
    negative: str
    is_sure: bool  # which of the two is 1


def candidates(profiles: Sequence[Profile]) -> list[Profile]:
    """Return the columns that may be a label, the likeliest first: two values, a name that labels have, few missing."""
    two = [each for each in profiles if each.type != "time" and len(spellings(each)) == TWO]
    return sorted(two, key=lambda each: (not NAMES.match(each.name), each.missing_share))


def likely(found: Sequence[Profile]) -> Profile | None:
    """Return the one column that is the label if nobody says another; None if that is anybody's guess."""
    named = [each for each in found if NAMES.match(each.name)]
    alone = named or list(found)
    return alone[0] if len(alone) == 1 else None


def spellings(profile: Profile) -> dict[str, tuple[list[str], int]]:
    """Group the values of a column that mean the same: for each meaning its texts and rows. Empty if there are too many."""
    if profile.distinct >= TOP:
        return {}
    found: dict[str, tuple[list[str], int]] = {}
    for value, rows in profile.top:
        texts, before = found.get(meaning(value), ([], 0))
        found[meaning(value)] = [*texts, value], before + rows
    return found


def meaning(value: str) -> str:
    """Return what a value means, however it is written.

    >>> meaning(" Yes"), meaning("1.0"), meaning("0")
    ('yes', '1', '0')
    """
    plain = value.strip().lower()
    return f"{float(plain):g}" if re.fullmatch(r"[+-]?\d+(\.\d*)?", plain) else plain


def target(profile: Profile, positive: str = "") -> Target:
    """Decide the task from the label's values, and which value is 1.

    Args:
        profile: of the label.
        positive: the value that is 1, as a person says it; empty: the one that says yes, or else the rarer one.

    Raises:
        BadConfig: no value is `positive`.
        BadData: the label has no value, a single one, or more than two.
    """
    if profile.missing == profile.rows:
        raise BadData(f"The label {profile.name} is missing in all {profile.rows:,} rows. Expected a value in most.")
    found = spellings(profile)
    if len(found) == 1:
        raise BadData(f"The label {profile.name} is {shown(profile.top[0][0])} in each row that has one. Expected two values.")
    if len(found) != TWO:
        examples = listed([value for value, _ in profile.top[:5]])
        what = "numbers" if profile.type == "number" or profile.distinct > FEW else f"{profile.distinct} values"
        raise BadData(
            f"The label {profile.name} has {what}, such as {examples}. Expected two values, or an SQL expression of yes and no "
            f'such as --label "{profile.name} > 1 AS large".'
        )
    if positive and meaning(positive) not in found:
        raise BadConfig(
            f"--positive {shown(positive)}: the label {profile.name} is {listed(list(found))}. Expected one of these."
        )
    one = meaning(positive) if positive else _yes(found)
    is_sure = bool(positive) or one in YES or next(each for each in found if each != one) in NO
    zero = next(each for each in found if each != one)
    text = f"CAST({quoted(profile.name)} AS VARCHAR)"
    cases = " ".join(
        f"WHEN {text} IN ({', '.join(map(literal, found[value][0]))}) THEN {number}" for value, number in ((one, 1), (zero, 0))
    )
    return Target("binary", profile.name, f"CAST(CASE {cases} END AS BIGINT)", found[one][0][0], found[zero][0][0], is_sure)


def _yes(found: dict[str, tuple[list[str], int]]) -> str:
    """Return the larger number, or what says yes, or what stands beside a no; else the rarer value, the event that matters."""
    if all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in found):
        return max(found, key=float)
    if said := [value for value in found if value in YES]:
        return said[0]
    if others := [value for value in found if value not in NO]:
        return min(others, key=lambda value: (found[value][1], value))
    return min(found, key=lambda value: found[value][1])
