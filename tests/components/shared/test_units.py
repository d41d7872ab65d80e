import datetime
from itertools import pairwise

import pytest

from components.shared import units
from components.shared.errors import BadConfig
from components.shared.units import Unit

NO_SPANS = """2013-13 2013-7 July ../2013-07 3013-01 2013-02-30 2013-02-03T24 2013-02-03T1 20130203
    2013-W53 2013-W5 2013-Q0 2013-Q5 2013-Q 2013-Q1-Q2 13 2013-01-"""


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("span", "size", "expected"),
    [
        ("2013-03", 3, ["2013-01", "2013-02", "2013-03"]),
        ("2013-01", 2, ["2012-12", "2013-01"]),
        ("2013-12", 1, ["2013-12"]),
        ("2013-03-31T01", 3, ["2013-03-30T23", "2013-03-31T00", "2013-03-31T01"]),
        ("2012-03-01", 2, ["2012-02-29", "2012-03-01"]),
        ("2016-W01", 3, ["2015-W52", "2015-W53", "2016-W01"]),
        ("2013-Q1", 2, ["2012-Q4", "2013-Q1"]),
        ("2013", 2, ["2012", "2013"]),
    ],
)
def test_a_window_is_consecutive_spans_whose_names_sort_and_tell_their_unit(span, size, expected):
    unit = units.of(span)
    assert unit.window(span, size) == expected == sorted(expected)
    for before, after in pairwise(expected):
        assert unit.end(before) == unit.start(after)
    assert [each for each in Unit if each.is_span(span)] == [unit]


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        ("2013-07-05T23", "2013-07-05T23:00", "2013-07-06T00:00"),
        ("2013-07-05", "2013-07-05", "2013-07-06"),
        ("2013-W01", "2012-12-31", "2013-01-07"),
        ("2012-02", "2012-02-01", "2012-03-01"),
        ("2013-Q4", "2013-10-01", "2014-01-01"),
        ("2013", "2013-01-01", "2014-01-01"),
    ],
)
def test_the_moments_of_a_span_are_from_its_start_to_before_its_end(span, start, end):
    unit, moment = units.of(span), datetime.timedelta(microseconds=1)
    assert (unit.start(span), unit.end(span)) == (at(start), at(end))
    assert unit.span_of(at(start)) == unit.span_of(at(end) - moment) == span
    assert span not in (unit.span_of(at(start) - moment), unit.span_of(at(end)))


@pytest.mark.parametrize(
    "name",
    ["", "2013-01\n", *NO_SPANS.split()],
)
def test_what_is_no_span_is_refused(name):
    with pytest.raises(BadConfig, match="expected an hour such as 2013-07-05T07, a day such as 2013-07-05, a week such as"):
        units.of(name)
    with pytest.raises(BadConfig, match=r"is not a span; expected a month such as 2013-07 \(data.unit\)"):
        Unit.MONTH.window(name, 3)


def test_a_span_of_another_unit_is_refused():
    with pytest.raises(BadConfig, match=r"'2013-07' is not a span; expected a quarter such as 2013-Q3"):
        Unit.QUARTER.start("2013-07")


@pytest.mark.parametrize(
    ("newest", "days", "spans", "expected"),
    [
        ("2013-02", 10, 0, "2013-02-19"),
        ("2012-02", 10, 0, "2012-02-20"),
        ("2013-02", 10, 1, "2013-02-01"),
        ("2013-02-05", 3, 0, "2013-02-03"),
        ("2013-02-05T07", 10, 3, "2013-02-05T05"),
        ("2013-W06", 7, 0, "2013-02-04"),
        ("2013-Q1", 30, 0, "2013-03-02"),
        ("2013", 10, 2, "2012-01-01"),
    ],
)
def test_what_is_evaluated_are_the_last_days_or_the_newest_spans(newest, days, spans, expected):
    assert units.of(newest).evaluated_from(newest, days, spans) == at(expected)


@pytest.mark.parametrize(
    ("unit", "days", "spans", "gaps", "expected"),
    [
        (Unit.MONTH, 10, 0, 0, 10),
        (Unit.DAY, 7, 0, 1, 6),
        (Unit.HOUR, 10, 3, 0, 1),
        (Unit.WEEK, 10, 2, 1, 7),
        (Unit.DAY, 1, 0, 3, 1),
    ],
)
def test_days_with_evaluation_rows_are_as_many_as_gaps_leave(unit, days, spans, gaps, expected):
    assert units.days_evaluated(unit, days, spans, gaps) == expected


def test_pages_call_a_span_by_its_unit_and_what_they_do_not_know_a_span():
    assert [units.called(name) for name in ("2013-W05", "2013-Q1", "")] == ["week", "quarter", "span"]
    assert [units.block_called(name) for name in ("2013-01-05T07", "2013-01", "")] == ["hour", "day", "day"]
