"""Spans, window and evaluation follow from the rows of each day."""

import datetime

import pytest

from components.shared.errors import BadData
from pipeline.adoption.periods import Day, periods


def days(first, count, rows):
    begin = datetime.date.fromisoformat(first)
    return [Day(begin + datetime.timedelta(days=number), rows, rows // 4) for number in range(count)]


def test_a_large_table_has_short_windows_and_a_week_of_evaluation():
    found = periods(days("2024-01-01", 366, 1000))
    assert (found.unit, found.window, found.eval_days, len(found.names)) == ("month", 3, 7, 12)
    assert len(found.train) == len(found.evaluation) == 10
    assert found.evaluation[0] == (7000, 1750)
    assert found.train[0].rows == (31 + 29 + 31 - 7) * 1000


def test_a_small_table_has_long_ones_but_leaves_a_second_window():
    found = periods(days("2024-01-01", 366, 10))
    assert (found.window, found.eval_days) == (11, 27)
    assert len(found.train) == 2
    assert periods(days("2023-01-01", 1096, 10)).window == 12


def test_a_month_that_is_not_whole_at_the_end_is_left_out():
    found = periods(days("2024-01-01", 100, 10))
    assert found.names[-1] == "2024-03"
    assert found.left_out == ("2024-04",)
    assert "2024-04, which ends on 2024-04-09" in found.why_left_out


def test_spans_are_the_newest_without_a_gap():
    found = periods(days("2023-01-01", 90, 10) + days("2024-01-01", 182, 10))
    assert found.names == ("2024-01", "2024-02", "2024-03", "2024-04", "2024-05", "2024-06")
    assert found.left_out == ("2023-01", "2023-02", "2023-03")


def test_less_than_a_month_is_refused():
    with pytest.raises(BadData, match="less than a month"):
        periods(days("2024-01-01", 12, 10))
