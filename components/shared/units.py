"""Units of the spans: what a span is called, when it begins and ends, and which come before it. Imports nothing heavy."""

import datetime
from enum import StrEnum
from typing import NamedTuple

from components.shared.errors import BadConfig

DAY_HOURS = 24


class _Length(NamedTuple):
    """How long a unit is: months or, where there are none, hours; of months, `hours` are those of the shortest."""

    months: int
    hours: int
    form: str  # of the names, in words
    name: str  # as strftime takes it, but for the number of a quarter
    rest: str  # with which a name is the first moment, as fromisoformat takes it


class Unit(StrEnum):
    """How long a span is. Names are those of ISO 8601, and 2013-Q1: they sort as time goes, and each tells its unit.

    >>> Unit.WEEK.window("2013-W01", 2)
    ['2012-W52', '2013-W01']
    >>> Unit.WEEK.start("2013-W01").isoformat()
    '2012-12-31T00:00:00'
    """

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def form(self) -> str:
        """How folders of spans are called, in words."""
        return _LENGTHS[self].form

    @property
    def one(self) -> str:
        """A span of this unit in words, with an example."""
        article = "an" if self is Unit.HOUR else "a"
        return f"{article} {self} such as {self.span_of(datetime.datetime(2013, 7, 5, 7))}"

    @property
    def block(self) -> "Unit":
        """Rows of one block are alike: the hour where spans are that short, else the day."""
        return min(self, Unit.DAY, key=lambda unit: _LENGTHS[unit].hours)

    def is_span(self, name: str) -> bool:
        """Tell whether a folder's name is that of a span, in the years 1000 to 2999."""
        try:
            return name[:1] in ("1", "2") and self._name(self._number(self._start_of(name))) == name
        except ValueError:
            return False

    def number(self, span: str) -> int:
        """Count the spans from the beginning of the calendar: neighbours are one apart. Raises BadConfig if it is no span."""
        if not self.is_span(span):
            raise BadConfig(f"{span!r} is not a span; expected {self.one} (data.unit).")
        return self._number(self._start_of(span))

    def span_of(self, moment: datetime.datetime) -> str:
        """Name the span that a moment lies in."""
        return self._name(self._number(moment))

    def start(self, span: str) -> datetime.datetime:
        """Return the first moment of a span. Raises BadConfig, as `number`."""
        return self._moment(self.number(span))

    def end(self, span: str) -> datetime.datetime:
        """Return the first moment after a span. Raises BadConfig, as `number`."""
        return self._moment(self.number(span) + 1)

    def window(self, span: str, size: int) -> list[str]:
        """List the `size` consecutive spans that end with `span`: ("2013-02", 2) gives 2013-01 and 2013-02.

        Raises BadConfig, as `number`.
        """
        newest = self.number(span)
        return [self._name(number) for number in range(newest - size + 1, newest + 1)]

    def evaluated_from(self, newest: str, eval_days: int, eval_spans: int) -> datetime.datetime:
        """Return the moment from which rows are evaluation rows, in a window that ends with `newest`.

        They are the last `eval_spans` spans or, where that is 0, the last `eval_days` days.
        """
        if eval_spans:
            return self._moment(self.number(newest) - eval_spans + 1)
        return self.end(newest) - datetime.timedelta(days=eval_days)

    def least_hours(self, spans: int) -> int:
        """Return how many hours so many spans last at least."""
        return spans * _LENGTHS[self].hours

    def _start_of(self, name: str) -> datetime.datetime:
        year, quarter, number = name.partition("-Q")
        if quarter:
            name = f"{year}-{int(number) * 3 - 2:02}"
        return datetime.datetime.fromisoformat(name + _LENGTHS[self].rest)

    def _number(self, moment: datetime.datetime) -> int:
        months, hours, *_ = _LENGTHS[self]
        if months:
            return (moment.year * 12 + moment.month - 1) // months
        return (moment - datetime.datetime.min) // datetime.timedelta(hours=hours)  # the year 1 began with a Monday

    def _moment(self, number: int) -> datetime.datetime:
        months, hours, *_ = _LENGTHS[self]
        if months:
            return datetime.datetime(number * months // 12, number * months % 12 + 1, 1)
        return datetime.datetime.min + number * datetime.timedelta(hours=hours)

    def _name(self, number: int) -> str:
        moment = self._moment(number)
        return moment.strftime(_LENGTHS[self].name).replace("Q", f"Q{(moment.month + 2) // 3}")


_LENGTHS = {
    Unit.HOUR: _Length(0, 1, "YYYY-MM-DDTHH", "%Y-%m-%dT%H", ""),
    Unit.DAY: _Length(0, DAY_HOURS, "YYYY-MM-DD", "%Y-%m-%d", ""),
    Unit.WEEK: _Length(0, 7 * DAY_HOURS, "YYYY-Www", "%G-W%V", "-1"),
    Unit.MONTH: _Length(1, 28 * DAY_HOURS, "YYYY-MM", "%Y-%m", "-01"),
    Unit.QUARTER: _Length(3, 90 * DAY_HOURS, "YYYY-Qn", "%Y-Q", "-01"),
    Unit.YEAR: _Length(12, 365 * DAY_HOURS, "YYYY", "%Y", "-01-01"),
}


def of(span: str) -> Unit:
    """Tell the unit of a span by its name. Raises BadConfig if it is no span's."""
    if found := _unit(span):
        return found
    raise BadConfig(f"{span!r} is not a span; expected {', '.join(unit.one for unit in Unit)}.")


def _unit(span: str) -> Unit | None:
    return next((unit for unit in Unit if unit.is_span(span)), None)


def called(span: str) -> str:
    """Return what people call a span of this name: "month"; "span" where the name tells no unit."""
    return _unit(span) or "span"


def block_called(span: str) -> str:
    """Return what people call a block of rows that are alike, in a span of this name: "day" or "hour"."""
    return (_unit(span) or Unit.DAY).block


def days_evaluated(unit: Unit, eval_days: int, eval_spans: int, max_gaps: int) -> int:
    """Return of how many days there are evaluation rows at least, if each span that is there has rows of all of its days."""
    whole = unit.least_hours(eval_spans) // DAY_HOURS if eval_spans else eval_days
    return max(1, whole - unit.least_hours(max_gaps) // DAY_HOURS)
