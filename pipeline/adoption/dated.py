"""Decide the spans of rows with a date, by the rule in README.md: their unit, which of them, the window, its gaps. Pure."""

import datetime
import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from components.shared.units import Unit
from pipeline.adoption import evaluation
from pipeline.adoption.evaluation import Block
from pipeline.adoption.periods import Periods

WINDOW_ROWS = 50_000  # that a window should have
ENOUGH = 75  # rows of a usual span, below which a longer unit is better
FEWEST = (4, 3)  # spans of a unit that there should be, and that there must be
PRESENT = 0.5  # share of a unit's spans that must have rows
LOST = 0.1  # share of the rows that may be in spans that are left out, if another unit has fewer there
WHOLE_ROWS = 1 / 3  # of the spans before it, that the newest one must have to be whole
TAIL = datetime.timedelta(days=7)  # at the end of a whole span, that may lack rows; or a quarter of it, where that is less


class Bounds(NamedTuple):
    """What is sensible of a unit, in spans."""

    shortest: int  # of a window, if there are so many
    longest: int
    gap: int  # that may be absent in a row: a night, the days of Easter


BOUNDS = {
    Unit.MONTH: Bounds(3, 12, 2),  # the first that fits is taken
    Unit.WEEK: Bounds(8, 52, 2),
    Unit.DAY: Bounds(28, 91, 4),
    Unit.HOUR: Bounds(168, 720, 16),
    Unit.QUARTER: Bounds(4, 20, 2),
    Unit.YEAR: Bounds(3, 30, 2),
}


class Part(NamedTuple):
    """Spans that follow each other, with no more than the gaps that a unit may have."""

    unit: Unit
    calendar: list[str]  # from the first to the last, also those without rows
    rows: dict[str, int]  # of each that has any, oldest first
    why_left_out: str  # of other spans

    @property
    def usual_rows(self) -> float:
        """Rows of a usual span."""
        return median(self.rows.values())

    def fits(self, fewest: int) -> bool:
        """Tell whether there are enough spans, and most have rows."""
        return len(self.rows) >= max(fewest, PRESENT * len(self.calendar))


def periods(blocks: Sequence[Block]) -> Periods | None:
    """Decide the spans from the rows of each hour or day, in the order of time; None if these are too few to split."""
    has_hours = any(block.moment.hour for block in blocks)
    parts = [part(blocks, unit) for unit in BOUNDS if has_hours or unit is not Unit.HOUR]
    most = (1 - LOST) * sum(block.rows for block in blocks)
    for fewest, least in ((FEWEST[0], most), (FEWEST[0], 0), (FEWEST[1], 0)):
        fit = [each for each in parts if each.fits(fewest) and sum(each.rows.values()) >= least]
        for shortest in fit:
            longer = [each for each in sorted(fit, key=_length) if _length(each) >= _length(shortest)]
            enough = next((each for each in longer if each.usual_rows >= ENOUGH), longer[-1])
            if found := _of_part(enough, blocks) or _of_part(shortest, blocks):
                return found
    return None


def _length(part: Part) -> int:
    return part.unit.least_hours(1)


def part(blocks: Sequence[Block], unit: Unit) -> Part:
    """Find the newest spans without a longer gap than a unit may have, or the most if those are fewer than FEWEST."""
    rows: dict[str, int] = {}
    for block in blocks:
        span = unit.span_of(block.moment)
        rows[span] = rows.get(span, 0) + block.rows
    why = []
    newest = max(rows)
    if len(rows) > 1 and not _is_whole(blocks, unit, rows):
        why.append(f"{newest} is not whole: it ends on {blocks[-1].moment.date()}")
        del rows[newest]
    runs: list[list[str]] = []
    for span in rows:
        if not runs or unit.number(span) - unit.number(runs[-1][-1]) > BOUNDS[unit].gap + 1:
            runs.append([])
        runs[-1].append(span)
    kept = next((run for run in reversed(runs) if len(run) >= FEWEST[0]), max(runs, key=len))
    if len(runs) > 1:
        why.append(f"more than {BOUNDS[unit].gap} {unit}s without rows are between the others and these")
    calendar = unit.window(kept[-1], unit.number(kept[-1]) - unit.number(kept[0]) + 1)
    return Part(unit, calendar, {span: rows[span] for span in kept}, " and ".join(why))


def _is_whole(blocks: Sequence[Block], unit: Unit, rows: dict[str, int]) -> bool:
    """Tell whether the newest span has rows to its end, as other spans have."""
    moments = [block.moment for block in blocks]
    apart = sorted(later - earlier for earlier, later in pairwise(moments))
    usual = apart[len(apart) * 9 // 10]
    tail = min(TAIL, datetime.timedelta(hours=unit.least_hours(1)) / 4)
    *before, newest = list(rows.values())[-FEWEST[0] - 1 :]
    is_full = newest >= WHOLE_ROWS * median(before)
    return is_full and unit.end(max(rows)) - moments[-1] <= max(usual, tail)


def _of_part(part: Part, blocks: Sequence[Block]) -> Periods | None:
    """Decide window and evaluation of a part; None if it has no two windows, or none that can be split."""
    bounds, spans = BOUNDS[part.unit], len(part.calendar)
    wanted = math.ceil(WINDOW_ROWS * spans / sum(part.rows.values()))
    for window in range(min(max(wanted, bounds.shortest), bounds.longest, spans - 1), 1, -1):
        gaps = max_gaps(part, window)
        windows = [found for end in part.rows if len(found := taken(part, end, window)) >= window - gaps]
        chosen = evaluation.choose(part.unit, window - gaps, windows, blocks)
        if len(windows) > 1 and chosen:
            break
    else:
        return None
    spans_there = dict.fromkeys(part.unit.span_of(block.moment) for block in blocks)
    return Periods(
        part.unit,
        tuple(part.rows),
        tuple(part.rows.values()),
        window,
        gaps,
        tuple(windows),
        chosen.train,
        chosen.evaluation,
        eval_days=chosen.days,
        eval_spans=chosen.spans,
        fewest_days=chosen.fewest_days,
        left_out=tuple(span for span in spans_there if span not in part.rows),
        why_left_out=part.why_left_out,
    )


def max_gaps(part: Part, window: int) -> int:
    """Count the absent spans of the window that has the most, of those that end with a span that is there."""
    ends = [end for end in part.calendar[window - 1 :] if end in part.rows]
    return max((window - len(taken(part, end, window)) for end in ends), default=0)


def taken(part: Part, end: str, window: int) -> tuple[str, ...]:
    """Return the spans with rows of the window that ends with a span."""
    at = part.calendar.index(end) + 1
    return tuple(span for span in part.calendar[max(0, at - window) : at] if span in part.rows)
