"""Columns that only say when a row is from, and those that go with the time and are features all the same."""

import numpy as np
import pandas as pd
import pytest

from components.shared.units import Unit
from pipeline.adoption import time_told
from pipeline.adoption.profiles import Profile

MOMENTS = pd.Series(pd.date_range("2024-01-01", "2024-12-31 23:00", freq="h"))
RANDOM = np.random.default_rng(1)
COLUMNS = {
    "day of the year": MOMENTS.dt.dayofyear,
    "counts down": -MOMENTS.dt.dayofyear / 7,
    "month": MOMENTS.dt.month_name(),
    "sale": "sale of " + MOMENTS.dt.strftime("%Y-%m"),
    "temperature": 10 * np.sin(MOMENTS.dt.dayofyear / 58) + RANDOM.normal(size=len(MOMENTS)),
    "price": 100 + MOMENTS.dt.dayofyear / 10 + RANDOM.normal(0, 20, len(MOMENTS)),
    "hour": MOMENTS.dt.hour,
    "weekday": MOMENTS.dt.day_name(),
    "season": MOMENTS.dt.quarter,
    "never": pd.Series([None] * len(MOMENTS), dtype=object),
    "holiday": pd.Series(RANDOM.random(len(MOMENTS)) < 0.1),
}


@pytest.mark.parametrize(
    ("name", "kind", "is_told"),
    [
        ("year", "integer", True),
        ("sale_yr", "integer", True),
        ("DayOfYear", "integer", True),
        ("week_of_the_year", "integer", True),
        ("yr_built", "integer", False),
        ("year", "text", False),
        ("weekday", "integer", False),
    ],
)
def test_names_that_tell_the_time(name, kind, is_told):
    assert bool(time_told.by_name([Profile(name, kind, 9, 0, 9)])) == is_told


def test_what_has_new_values_in_each_span_is_named():
    found = time_told.told(pd.DataFrame(COLUMNS), MOMENTS, Unit.MONTH)
    assert [*found] == ["day of the year", "counts down", "month", "sale"]
    assert found["month"].startswith("it goes with the time: in 100% of the months nearly all its values are new")


@pytest.mark.parametrize("unit", [*Unit])
def test_every_unit_of_spans_is_told_apart(unit):
    long = pd.Series(pd.date_range("2019-01-01", "2024-12-31", freq="D" if unit in (Unit.YEAR, Unit.QUARTER) else "7h")[:6000])
    number = pd.DataFrame({"grows": (long - long[0]).dt.total_seconds(), "stays": RANDOM.normal(size=len(long))})
    assert [*time_told.told(number, long, unit)] == ["grows"]


def test_of_few_spans_nothing_is_said():
    few = MOMENTS[MOMENTS < "2024-04-01"]
    assert time_told.told(pd.DataFrame(COLUMNS).loc[few.index], few, Unit.MONTH) == {}


def test_rows_of_the_neighbour_and_missing_values_hide_nothing():
    """Times of another zone put some hours of each month into the next; a text may be missing in half of the rows."""
    elsewhere = MOMENTS - pd.Timedelta(hours=14)
    sparse = pd.DataFrame({"sale": COLUMNS["sale"].where(RANDOM.random(len(MOMENTS)) < 0.5), "day": MOMENTS.dt.dayofyear})
    assert [*time_told.told(sparse, elsewhere, Unit.MONTH)] == ["sale", "day"]
