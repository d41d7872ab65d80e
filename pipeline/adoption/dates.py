"""Find the columns that are times, also those that are written as numbers. Pure functions over profiles."""

import datetime
import re
from collections.abc import Sequence

from components.shared.errors import listed
from pipeline.adoption.profiles import Profile
from pipeline.adoption.sql import literal, quoted

NAMES = re.compile(r"(?i)time|date|day|stamp|epoch|_at$|_ts$|^ts$|when")
BEGINS = re.compile(r"(?i)start|begin|created|order|open|issue|^date$|^day$|^timestamp$")
SECONDS = (315_532_800, 4_102_444_800)  # since 1970, of 1980 and 2100
OF_A_PERSON = re.compile(r"(?i)birth|born|(^|_)dob($|_)")
RARELY, OFTEN = 0.01, 0.1  # share of rows that may lack their own date: likely, and at most
DAYS = (19_800_101, 21_000_101)  # as 20130228
PLAIN = ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")
ORDERS = (("%d/%m/%Y", "%d-%m-%Y"), ("%m/%d/%Y", "%m-%d-%Y"))  # the day or the month first: only values tell
TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
PART = re.compile(
    r"(?i)^(?P<of>.*?)(?:^|_)(?:(?P<year>year|yr)|(?P<month>month|mon|mo)|(?P<day>day_?of_?month|mday|dom|day|dd?))$"
)
RANGES = {"year": (1900, 2100), "month": (1, 12), "day": (1, 31)}


def as_time(profile: Profile) -> list[str]:
    """Return the SQL that makes a timestamp of texts that are dates, or of an integer that by name and values is one.

    Returns:
        The SQL, in UTC where seconds since 1970 are meant: two where the day may be before the month or after it, and none if
        it is no time.

    >>> as_time(Profile("created_at", "integer", 9, 0, 9, 1.4e9, 1.5e9))
    ['make_timestamp("created_at" * 1000000)']
    """
    column = quoted(profile.name)
    if profile.type == "text":
        found = readings([value for value, _ in profile.top])
        return [f"try_strptime({column}, {literal(forms if len(forms) > 1 else forms[0])})" for forms in found]
    if profile.type != "integer" or profile.low is None or profile.high is None or not NAMES.search(profile.name):
        return []
    for unit, microseconds in ((1, 1_000_000), (1_000, 1_000)):
        if SECONDS[0] * unit <= profile.low and profile.high < SECONDS[1] * unit:
            return [f"make_timestamp({column} * {microseconds})"]
    if DAYS[0] <= profile.low and profile.high < DAYS[1]:
        return [f"try_strptime(CAST({column} AS VARCHAR), '%Y%m%d')"]
    return []


def readings(values: Sequence[str]) -> list[list[str]]:
    """Return the forms in which all texts are dates, in each order of day and month that they allow; none if they are none.

    >>> readings(["31.12.2024", "2024-12-31"]), readings(["01/02/2024"])
    ([['%d.%m.%Y', '%Y-%m-%d']], [['%d/%m/%Y'], ['%m/%d/%Y']])
    """
    found: list[list[str]] = []
    for order in ORDERS:
        forms = [f"{day}{time}" for day in (*PLAIN, *order) for time in TIMES]
        used: list[str] = []
        for value in values:
            form = next((form for form in forms if _parses(value, form)), "")
            if not form:
                break
            used.append(form)
        else:
            if used and (kinds := list(dict.fromkeys(used))) not in found:
                found.append(kinds)
    return found


def _parses(text: str, form: str) -> bool:
    try:
        datetime.datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def joined(profiles: Sequence[Profile]) -> tuple[str, str, list[str]] | None:
    """Make a date of whole numbers that by name and range are a year, a month and a day; without a day, of the month's first.

    Returns:
        The name that the date gets, its SQL, and the columns; None if there are no such columns.
    """
    of: dict[str, dict[str, str]] = {}
    for each in profiles:
        if each.type == "integer" and each.low is not None and each.high is not None and (match := PART.match(each.name)):
            part = str(match.lastgroup)
            if RANGES[part][0] <= each.low and each.high <= RANGES[part][1]:
                of.setdefault(match["of"], {}).setdefault(part, each.name)
    for prefix, parts in of.items():
        name = f"{prefix}_date".strip("_")
        if {"year", "month"} <= set(parts) and name.lower() not in [each.name.lower() for each in profiles]:
            there = [parts[part] for part in RANGES if part in parts]
            numbers = [*map(quoted, there), *(() if "day" in parts else ("1",))]
            return name, f"try_strptime(concat_ws('-', {', '.join(numbers)}), '%Y-%m-%d')", there
    return None


def why_none(times: Sequence[Profile]) -> str:
    """Say why none of these is a row's own date."""
    if gaps := [each for each in times if not OF_A_PERSON.search(each.name)]:
        fewest = min(gaps, key=lambda each: each.missing_share)
        return f"{fewest.name} is missing in {fewest.missing_share:.0%}; --date {fewest.name} takes it all the same"
    return f"{listed([each.name for each in times])} is of a person" if times else "no column is a date"


def candidates(times: Sequence[Profile]) -> list[Profile]:
    """Return those that may be a row's own date, the likeliest first: few missing, a name of a beginning, many values."""
    own = [each for each in times if each.missing_share <= OFTEN and not OF_A_PERSON.search(each.name)]
    return sorted(own, key=lambda each: (each.missing_share > RARELY, not BEGINS.search(each.name), -each.distinct))
