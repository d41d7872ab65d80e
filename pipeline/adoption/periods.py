"""Decide the spans: their unit, which of them, how many a model learns from, and the days of the evaluation. Pure."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from components.shared.errors import BadData
from components.shared.units import Unit

WINDOW_ROWS, SHORTEST, LONGEST = 50_000, 3, 12  # rows that a window should have; spans that it has at least and at most
EVAL_ROWS, FEWEST_DAYS, MOST_DAYS = 2_000, 7, 27
UNIT = Unit.MONTH
TAIL_DAYS = 7  # of a whole newest span that have rows


class Day(NamedTuple):
    """The rows of a day, and how many of their labels are 1."""

    date: datetime.date
    rows: int
    positives: int


class Split(NamedTuple):
    """The size of a split."""

    rows: int
    positives: int


@dataclass(frozen=True)
class Periods:
    """The spans of a table, all of one unit and without a gap."""

    unit: Unit
    names: tuple[str, ...]  # oldest first
    window: int  # spans that a model learns from
    eval_days: int
    left_out: tuple[str, ...]  # spans with rows that are not used
    why_left_out: str
    train: tuple[Split, ...]  # of each window that there is, oldest first
    evaluation: tuple[Split, ...]


def periods(days: Sequence[Day]) -> Periods:
    """Decide the spans from the rows of each day.

    A window has about WINDOW_ROWS rows, but leaves at least a second one to come; an evaluation about EVAL_ROWS, in whole weeks
    if there are so many days. Spans are the newest months without a gap, and end with one that is whole.

    Raises:
        BadData: no month is whole.
    """
    by_month: dict[str, list[Day]] = {}
    for day in sorted(days):
        by_month.setdefault(UNIT.span_of(midnight(day.date)), []).append(day)
    present = sorted(by_month)
    dropped = []
    if (UNIT.end(present[-1]) - midnight(by_month[present[-1]][-1].date)).days > TAIL_DAYS:
        dropped.append(f"{present[-1]}, which ends on {by_month[present[-1]][-1].date}")
    whole = present[:-1] if dropped else present
    if not whole:
        raise BadData(f"The rows are of {days[0].date} to {days[-1].date}, less than a month. Expected whole months.")
    names = [whole[-1]]
    for name in reversed(whole[:-1]):
        if UNIT.window(names[0], 2)[0] != name:
            dropped.append(f"those up to {name}, after which a month has no rows")
            break
        names.insert(0, name)
    a_month = median(sum(day.rows for day in by_month[name]) for name in names)
    window = min(max(math.ceil(WINDOW_ROWS / a_month), SHORTEST), LONGEST, max(1, len(names) - 1))
    a_day = a_month * 12 / 365
    eval_days = min(max(math.ceil(EVAL_ROWS / a_day / 7) * 7, FEWEST_DAYS), MOST_DAYS if window > 1 else 14)
    ends = names[window - 1 :]
    splits = [_splits(by_month, UNIT.window(end, window), eval_days) for end in ends]
    left_out = tuple(name for name in present if name not in names)
    train, evaluation = zip(*splits, strict=True)
    return Periods(UNIT, tuple(names), window, eval_days, left_out, " and ".join(dropped), train, evaluation)


def _splits(by_month: dict[str, list[Day]], window: list[str], eval_days: int) -> tuple[Split, Split]:
    """Count the rows of training and evaluation of one window."""
    first = UNIT.evaluated_from(window[-1], eval_days, 0).date()
    days = [day for name in window for day in by_month[name]]
    parts = [day for day in days if day.date < first], [day for day in days if day.date >= first]
    train, evaluation = (Split(sum(day.rows for day in part), sum(day.positives for day in part)) for part in parts)
    return train, evaluation


def midnight(date: datetime.date) -> datetime.datetime:
    """Return the moment at which a day begins."""
    return datetime.datetime.combine(date, datetime.time.min)
