"""Unit, window, gaps and evaluation follow from the rows of each day or hour."""

import datetime

import pytest

from pipeline.adoption.dated import periods
from pipeline.adoption.evaluation import Block

JANUARY = datetime.datetime(2024, 1, 1)


def every(step, count, rows, start=JANUARY, there=lambda moment: True):
    moments = [start + step * number for number in range(count)]
    return [Block(moment, rows, rows // 4 + number % 2) for number, moment in enumerate(moments) if there(moment)]


def days(first, count, rows, there=lambda moment: True):
    return every(datetime.timedelta(days=1), count, rows, datetime.datetime.fromisoformat(first), there)


def test_a_large_table_has_short_windows_and_a_week_of_evaluation():
    found = periods(days("2024-01-01", 366, 1000))
    assert found.stated() == {"unit": "month", "window": 3, "eval_days": 7}
    assert len(found.names) == 12 and len(found.train) == len(found.evaluation) == 10
    assert found.evaluation[0].rows == 7000
    assert found.train[0].rows == (31 + 29 + 31 - 7) * 1000
    assert found.first == ("2024-01", "2024-02", "2024-03")


def test_a_small_table_has_long_ones_but_leaves_a_second_window():
    found = periods(days("2024-01-01", 366, 10))
    assert (found.window, found.eval_days, len(found.train)) == (11, 56, 2)
    assert periods(days("2023-01-01", 1096, 10)).window == 12


@pytest.mark.parametrize(
    ("blocks", "stated", "first", "last"),
    [
        (days("2024-01-01", 42, 100), {"unit": "week", "window": 5, "eval_days": 7}, "2024-W01", "2024-W06"),
        (days("2024-01-01", 12, 10), {"unit": "day", "window": 11, "eval_days": 2}, "2024-01-01", "2024-01-12"),
        (
            every(datetime.timedelta(hours=1), 60, 50),
            {"unit": "hour", "window": 59, "eval_spans": 9},
            "2024-01-01T00",
            "2024-01-03T11",
        ),
        (days("2022-01-01", 731, 2), {"unit": "quarter", "window": 7, "eval_days": 98}, "2022-Q1", "2023-Q4"),
    ],
    ids=["weeks", "days", "hours", "quarters"],
)
def test_the_unit_is_one_of_which_there_are_enough_spans_with_enough_rows(blocks, stated, first, last):
    found = periods(blocks)
    assert (found.stated(), found.names[0], found.names[-1]) == (stated, first, last)


def test_rows_of_a_few_days_are_evaluated_in_whole_spans():
    yearly = [Block(datetime.datetime(year, 1, 1), 12, 4) for year in range(1990, 2020)]
    assert periods(yearly).stated() == {"unit": "year", "window": 29, "eval_spans": 5}
    monthly = [Block(datetime.datetime(2010 + month // 12, month % 12 + 1, 1), 300, 40) for month in range(60)]
    found = periods(monthly)
    assert found.stated() == {"unit": "month", "window": 12, "eval_spans": 2}
    assert (found.train[0].rows, found.evaluation[0].rows, found.fewest_days) == (3000, 600, 2)


def test_gaps_of_the_past_may_be_in_a_window():
    found = periods(days("2024-01-01", 26, 100, there=lambda day: day.weekday() < 6))
    assert found.stated() == {"unit": "day", "window": 25, "max_gaps": 3, "eval_days": 4}
    assert [len(window) for window in found.windows] == [22, 22]
    assert periods(days("2024-01-01", 56, 100, there=lambda day: day.weekday() < 5)).max_gaps == 0, "no week is absent"


def test_a_span_that_is_not_whole_at_the_end_is_left_out():
    found = periods(days("2023-01-01", 463, 10))
    assert (found.names[-1], found.left_out) == ("2024-03", ("2024-04",))
    assert found.why_left_out == "2024-04 is not whole: it ends on 2024-04-07"


def test_a_table_that_became_smaller_keeps_its_newest_spans():
    found = periods(days("2020-01-01", 1096, 20) + days("2023-01-01", 365, 3))
    assert (found.names[-1], found.left_out, found.window, found.eval_days) == ("2023-12", (), 12, 77)


def test_what_is_far_from_the_other_rows_is_left_out():
    found = periods(days("1970-01-01", 1, 10) + days("2024-01-01", 366, 10) + days("2999-12-31", 1, 10))
    assert (found.names[0], found.names[-1], found.left_out) == ("2024-01", "2024-12", ("1970-01", "2999-12"))
    found = periods(days("2023-01-01", 90, 10) + days("2024-01-01", 182, 10))
    assert (found.names[0], found.left_out) == ("2024-01", ("2023-01", "2023-02", "2023-03"))
    assert "more than 2 months without rows" in found.why_left_out


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_dates_tell_nothing_apart(count):
    assert periods(days("2024-01-01", count, 1000)) is None


def test_a_class_that_is_new_does_not_make_the_evaluation_longer():
    """No evaluation leaves a row of it to the training of early windows, so that none is to be preferred for it."""
    made = [block._replace(rare=0) for block in days("2024-01-01", 366, 1000)]
    made[-3:] = [block._replace(rare=50) for block in made[-3:]]
    assert periods(made).stated() == {"unit": "month", "window": 3, "eval_days": 7}
