"""Rows without a date become two spans, of which the second run learns both."""

import datetime

import pytest

from pipeline.adoption import undated
from pipeline.adoption.periods import Split

TODAY = datetime.datetime(2024, 1, 5)


def test_the_second_run_learns_all_rows():
    assert undated.names(800, TODAY) == ["2023-12", "2024-01"]
    found = undated.periods({"2023-12": (Split(300, 90), Split(100, 30)), "2024-01": (Split(301, 80), Split(99, 20))}, 0.25)
    assert found.stated() == {"unit": "month", "window": 2, "max_gaps": 1, "eval_share": 0.25}
    assert (found.train, found.evaluation) == ((Split(300, 90), Split(601, 170)), (Split(100, 30), Split(199, 50)))
    assert found.windows == (("2023-12",), ("2023-12", "2024-01"))
    assert found.rows == (400, 400)


def test_a_few_rows_are_one_span():
    assert undated.names(150, TODAY) == ["2024-01"]
    found = undated.periods({"2024-01": (Split(110, 30), Split(40, 12))}, 0.25)
    assert found.stated() == {"unit": "month", "window": 1, "eval_share": 0.25}


@pytest.mark.parametrize(("rows", "share"), [(300, 0.25), (12_000, 0.17), (5_000_000, 0.1)])
def test_about_as_many_rows_evaluate_as_there_should_be(rows, share):
    assert undated.eval_share(rows) == share
