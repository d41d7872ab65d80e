"""Decide which rows of each window evaluate: its last days or, where rows are of a few days only, its newest spans. Pure."""

import datetime
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from statistics import median
from typing import NamedTuple

from components.shared.units import DAY_HOURS, Unit
from pipeline.adoption.periods import Split

EVAL_ROWS = 2_000  # that an evaluation should have
AT_MOST, AT_LEAST = 0.25, 0.15  # of a window: of its time; and of its rows, where EVAL_ROWS are more
POOREST = 1 / 4  # of what an evaluation should have, that each must have
SPREAD = 0.25  # share of days with rows, from which on an evaluation is in days
WEEK = 7


class Block(NamedTuple):
    """The rows of an hour or, where the date has no time, of a day, and how many of their labels are rare."""

    moment: datetime.datetime
    rows: int
    rare: int


class Evaluation(NamedTuple):
    """The last days or the newest spans of each window, and the sizes of both splits."""

    days: int
    spans: int
    train: tuple[Split, ...]
    evaluation: tuple[Split, ...]
    fewest_days: int  # with rows, in an evaluation

    @property
    def has_both(self) -> bool:
        """Whether each split has both labels, or the rarest class and others."""
        return all(0 < each.rare < each.rows for each in (*self.train, *self.evaluation))

    @property
    def poorest(self) -> int:
        """The rows of the smallest evaluation."""
        return min(each.rows for each in self.evaluation)

    @property
    def is_enough(self) -> bool:
        """Whether a usual evaluation has EVAL_ROWS, or AT_LEAST of its window's rows, and the poorest not much fewer."""
        windows = zip(self.train, self.evaluation, strict=True)
        shares = [held.rows / min(EVAL_ROWS, AT_LEAST * (train.rows + held.rows)) for train, held in windows]
        return median(shares) >= 1 and min(shares) >= POOREST


def choose(unit: Unit, least: int, windows: Sequence[tuple[str, ...]], blocks: Sequence[Block]) -> Evaluation | None:
    """Take the shortest evaluation that is enough, else the one whose poorest window has the most rows.

    Args:
        unit: of the spans.
        least: spans that are there in a window that has the most gaps.
        windows: the spans of each.
        blocks: the rows of each hour or day, in the order of time.

    Returns:
        None if each would leave nothing to train on or to evaluate, in some window.
    """
    found = [_split(unit, windows, blocks, days, spans) for days, spans in _lengths(unit, least, windows, blocks)]
    found = [each for each in found if min(split.rows for split in (*each.train, *each.evaluation))]
    possible = [each for each in found if each.has_both] or found  # a class that is new is in no early window, however parted
    enough = (each for each in possible if each.is_enough)
    return next(enough, max(possible, key=lambda each: each.poorest, default=None))


def _lengths(unit: Unit, least: int, windows: Sequence[tuple[str, ...]], blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """Yield days, in whole weeks if there are so many, then spans; the other is 0."""
    first, last = unit.start(windows[0][0]), unit.end(windows[-1][-1])
    there = {block.moment.date() for block in blocks if first <= block.moment < last}
    if unit is not Unit.HOUR and len(there) >= SPREAD * (last - first).days:
        most = int(AT_MOST * unit.least_hours(least)) // DAY_HOURS
        yield from ((days, 0) for days in (range(WEEK, most + 1, WEEK) if most >= WEEK else range(1, most + 1)))
    if least > 1:
        yield from ((0, spans) for spans in range(1, max(1, int(AT_MOST * least)) + 1))


def _split(unit: Unit, windows: Sequence[tuple[str, ...]], blocks: Sequence[Block], days: int, spans: int) -> Evaluation:
    """Count the splits of each window."""
    moments = [block.moment for block in blocks]
    rows, rare = ([0, *accumulate(column)] for column in list(zip(*blocks, strict=True))[1:])
    dates = sorted({moment.date() for moment in moments})

    def between(start: datetime.datetime, end: datetime.datetime) -> Split:
        low, high = bisect_left(moments, start), bisect_left(moments, end)
        return Split(rows[high] - rows[low], rare[high] - rare[low])

    train, held, days_with_rows = [], [], []
    for window in windows:
        start, middle, end = unit.start(window[0]), unit.evaluated_from(window[-1], days, spans), unit.end(window[-1])
        train.append(between(start, max(start, middle)))
        held.append(between(max(start, middle), end))
        last = end - datetime.timedelta(hours=1)
        days_with_rows.append(bisect_right(dates, last.date()) - bisect_left(dates, max(start, middle).date()))
    return Evaluation(days, spans, tuple(train), tuple(held), max(1, min(days_with_rows)))
