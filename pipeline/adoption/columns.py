"""Decide what each column is: a feature, and of which kind, or left out, and why. Pure functions over profiles."""

import datetime
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.shared.errors import listed
from pipeline.adoption.profiles import Profile
from pipeline.adoption.reasons import MAX_CODES, Known, LeftOut, Sure, suspicion, unfit
from pipeline.adoption.sql import quoted
from pipeline.problem import MOST_EMBEDDED

TWO = 2  # values of a flag
CODE = re.compile(
    r"(?i:(^|_)(id|code|area|tract|zip|zipcode|postcode|type|class|category|zone|district|region|shop|store)s?$)|[a-z0-9](ID|Id)$"
)
CYCLES = (  # name, lowest and highest value, length of the circle, unit
    (re.compile(r"(?i)minute"), 0, 59, 60, "minutes of the hour"),
    (re.compile(r"(?i)hour|(^|_)hr($|_)"), 0, 24, 24, "hours"),
    (re.compile(r"(?i)week_?day|day_?of_?(the_?)?week|(^|_)dow($|_)|(^|_)day($|_)"), 0, 7, 7, "days of the week"),
    (re.compile(r"(?i)month"), 1, 12, 12, "months"),
    (re.compile(r"(?i)direction|bearing|azimuth|heading|(^|_)wind_dir"), 0, 360, 360, "degrees"),
)


@dataclass(frozen=True)
class Chosen:
    """A column that becomes a feature, with what makes it of the table."""

    name: str
    sql: str
    feature: Mapping[str, Any]  # as problem.toml declares it
    why: str = ""
    sure: Sure = "sure"
    distinct: int = 0  # of a category
    made_of: str = ""  # what it is of the table, where it is no column of it


def choose(profiles: Sequence[Profile], known: Known) -> tuple[list[Chosen], list[LeftOut]]:
    """Decide of each column but the label and the date; of the date's and other timestamps, the parts that are cyclic."""
    chosen: list[Chosen] = []
    left_out: list[LeftOut] = []
    times = [each for each in profiles if each.name == known.date and each.name not in known.leave_out]
    for profile in profiles:
        if profile.name in (known.label, known.date):
            continue
        if why := unfit(profile, known):
            left_out.append(why)
        elif profile.type == "time":
            times.append(profile)
        else:
            made = feature(profile)
            suspect = suspicion(profile.name, known)
            chosen.append(replace(made, why="; ".join(filter(None, (made.why, suspect))), sure="a guess") if suspect else made)
    periods = {each.feature.get("period") for each in chosen}
    for profile in times:
        parts = [
            part
            for part in parts_of_time(profile, [each.name for each in profiles])
            if part.feature["period"] not in periods or profile.name in known.keep
        ]
        chosen += parts
        if profile.name != known.date:
            features = f", from which {listed([part.name for part in parts])} is taken" if parts else ""
            left_out.append(LeftOut(profile.name, f"a time, which is no feature itself{features}", "likely"))
    return chosen, left_out


def feature(profile: Profile) -> Chosen:
    """Decide the kind of a column."""
    name, column = profile.name, quoted(profile.name)
    optional = {"optional": True} if profile.missing else {}
    number = f"TRY_CAST({column} AS FLOAT)"
    if profile.type == "text":
        is_wide = profile.distinct > MOST_EMBEDDED
        why = f"{profile.distinct:,} categories, of which the most frequent have an embedding each" if is_wide else ""
        return Chosen(name, column, {"kind": "categorical", **optional}, why, distinct=profile.distinct)
    is_two = profile.distinct == TWO and {value for value, _ in profile.top} <= {"0", "1", "true", "false", "0.0", "1.0"}
    if is_two and not profile.missing:
        return Chosen(name, f"CAST({column} AS BIGINT)", {"kind": "flag"})
    if profile.type == "flag":
        return Chosen(name, f"CAST({column} AS VARCHAR)", {"kind": "categorical", **optional}, distinct=profile.distinct)
    for pattern, low, high, period, unit in CYCLES:
        if pattern.search(name) and _lies(profile, low, high) and profile.high is not None and profile.high > 0.8 * high - 1:
            declared = {"kind": "cyclic", "period": period, "unit": unit, **optional}
            return Chosen(name, number, declared, "by its name and range", "likely")
    if profile.type == "integer" and TWO < profile.distinct <= MAX_CODES and CODE.search(name):
        why = f"{profile.distinct} integers that are codes, by the name"
        return Chosen(name, f"CAST({column} AS VARCHAR)", {"kind": "categorical", **optional}, why, "likely", profile.distinct)
    return Chosen(name, number, {"kind": "numeric", **optional})


def _lies(profile: Profile, low: float, high: float) -> bool:
    return profile.low is not None and profile.high is not None and low <= profile.low and profile.high <= high


def parts_of_time(profile: Profile, taken: Collection[str]) -> list[Chosen]:
    """Make the cyclic parts of a timestamp: minutes since midnight, if it has a time, and the day of the week.

    Of dates that all are the first of a month, or of one day of the week, that says nothing.
    """
    column, optional = quoted(profile.name), {"optional": True} if profile.missing else {}
    parts = []
    if profile.has_time:
        sql = f"CAST(60 * date_part('hour', {column}) + date_part('minute', {column}) AS FLOAT)"
        parts.append(("minute", sql, {"period": 1440, "unit": "minutes since midnight", "form": "time"}))
    days = [datetime.date.fromisoformat(value[:10]) for value, _ in profile.top]
    if not days or (any(day.day > 1 for day in days) and len({day.weekday() for day in days}) > 1):
        sql = f"CAST(date_part('isodow', {column}) - 1 AS FLOAT)"
        parts.append(("weekday", sql, {"period": 7, "unit": "days since Monday", "form": "weekday"}))
    return [
        Chosen(
            f"{profile.name}_{part}",
            sql,
            {"kind": "cyclic", **declared, **optional},
            f"taken from {profile.name}",
            made_of=f"{declared['unit']}, of {profile.name}",
        )
        for part, sql, declared in parts
        if f"{profile.name}_{part}".lower() not in map(str.lower, taken)
    ]
