"""Find the columns that are times, also those that are written as numbers. Pure functions over profiles."""

import datetime
import re
from collections.abc import Sequence

from pipeline.adoption.profiles import Profile
from pipeline.adoption.sql import literal, quoted

NAMES = re.compile(r"(?i)time|date|day|stamp|epoch|_at$|_ts$|^ts$|when")
BEGINS = re.compile(r"(?i)start|begin|created|order|open|issue|^date$|^day$|^timestamp$")
SECONDS = (315_532_800, 4_102_444_800)  # since 1970, of 1980 and 2100
OF_A_PERSON = re.compile(r"(?i)birth|born|(^|_)dob($|_)")
RARELY, OFTEN = 0.01, 0.1  # share of rows that may lack their own date: likely, and at most
FORMATS = [
    f"{day}{time}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d")
    for time in ("", " %H:%M", " %H:%M:%S")
]
DAYS = (19_800_101, 21_000_101)  # as 20130228


def as_time(profile: Profile) -> str:
    """Return the SQL that makes a timestamp of texts in one of FORMATS, or of an integer that by name and values is one.

    Returns:
        The SQL, in UTC where seconds since 1970 are meant; empty if it is no time, or the order of day and month is anybody's
        guess.

    >>> as_time(Profile("created_at", "integer", 9, 0, 9, 1.4e9, 1.5e9))
    'make_timestamp("created_at" * 1000000)'
    """
    if profile.type == "text":
        fits = [form for form in FORMATS if profile.top and all(_parses(value, form) for value, _ in profile.top)]
        return f"try_strptime({quoted(profile.name)}, {literal(fits[0])})" if len(fits) == 1 else ""
    if profile.type != "integer" or profile.low is None or profile.high is None or not NAMES.search(profile.name):
        return ""
    column = quoted(profile.name)
    for unit, microseconds in ((1, 1_000_000), (1_000, 1_000)):
        if SECONDS[0] * unit <= profile.low and profile.high < SECONDS[1] * unit:
            return f"make_timestamp({column} * {microseconds})"
    if DAYS[0] <= profile.low and profile.high < DAYS[1]:
        return f"try_strptime(CAST({column} AS VARCHAR), '%Y%m%d')"
    return ""


def _parses(text: str, form: str) -> bool:
    try:
        datetime.datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def candidates(times: Sequence[Profile]) -> list[Profile]:
    """Return those that may be a row's own date, the likeliest first: few missing, a name of a beginning, many values."""
    own = [each for each in times if each.missing_share <= OFTEN and not OF_A_PERSON.search(each.name)]
    return sorted(own, key=lambda each: (each.missing_share > RARELY, not BEGINS.search(each.name), -each.distinct))
