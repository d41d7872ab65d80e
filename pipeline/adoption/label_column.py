"""Which column is the label, and what its values mean, however they are spelled. Pure functions over profiles."""

import re
from collections.abc import Mapping, Sequence

from pipeline.adoption.profiles import TOP, Profile

NAMES = re.compile(
    r"(?i)^((is|has)_)?(label|target|class|outcome|y|response|survived|churn(ed)?|default(ed)?|default_payment.*|click(ed)?"
    r"|fraud(ulent|_reported)?)(_(label|flag))?_?$"
)
TWO = 2
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
Spellings = Mapping[str, tuple[list[str], int]]  # of each meaning, its texts and rows


def candidates(profiles: Sequence[Profile]) -> list[Profile]:
    """Return the columns that may be a label, the likeliest first: a name that labels have, two values, few missing."""
    possible = [each for each in profiles if each.type != "time" and each.distinct > 1]
    found = [each for each in possible if len(spellings(each)) == TWO or NAMES.match(each.name)]
    return sorted(found, key=lambda each: (not NAMES.match(each.name), each.missing_share))


def likely(found: Sequence[Profile]) -> Profile | None:
    """Return the one column that is called as labels are; None where none is, or several: two values alone make no label."""
    named = [each for each in found if NAMES.match(each.name)]
    return named[0] if len(named) == 1 else None


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

    >>> meaning(" Yes"), meaning("1.0"), meaning("-0"), meaning("2.50"), meaning("1000000001")
    ('yes', '1', '0', '2.5', '1000000001')
    """
    plain = value.strip().lower()
    if not NUMBER.fullmatch(plain):
        return plain
    number = float(plain)
    return str(int(plain.partition(".")[0])) if number.is_integer() else str(number)
