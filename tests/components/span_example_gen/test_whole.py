import datetime

import pytest

from components.shared.units import Unit
from components.span_example_gen import bucket, whole

FILES = {"2013-04": ["a.csv"], "2013-05": ["01.csv"]}


@pytest.fixture
def on(monkeypatch):
    """Sets the clock to a moment."""
    return lambda text: monkeypatch.setattr(whole, "now", lambda: datetime.datetime.fromisoformat(text))


@pytest.mark.parametrize(("day", "months"), [("2013-06-03", ["2013-04"]), ("2013-06-04", ["2013-04", "2013-05"])])
def test_the_newest_month_is_whole_when_so_many_days_have_passed_since_its_end(on, day, months):
    on(day)
    assert whole.found(FILES, set(), Unit.MONTH, 3) == months


def test_no_day_more_than_the_month_itself_has_to_pass(on):
    on("2013-05-31")
    assert whole.found(FILES, set(), Unit.MONTH, 0) == ["2013-04"]
    on("2013-06-01")
    assert whole.found(FILES, set(), Unit.MONTH, 0) == ["2013-04", "2013-05"]


def test_a_file_of_a_later_month_makes_it_whole_and_an_empty_folder_does_not(on):
    on("2013-05-20")
    assert whole.found({**FILES, "2013-06": []}, set(), Unit.MONTH, 3) == ["2013-04"]
    assert whole.found({**FILES, "2013-06": ["01.csv"]}, set(), Unit.MONTH, 3) == ["2013-04", "2013-05"]


def test_a_marker_makes_it_whole(on, tmp_path):
    on("2013-05-20")
    (tmp_path / "2013-05").mkdir()
    assert bucket.marked(str(tmp_path)) == whole.marked(tmp_path) == set()
    (tmp_path / "2013-05" / "_SUCCESS").touch()
    assert bucket.marked(str(tmp_path)) == whole.marked(tmp_path) == {"2013-05"}
    assert whole.found(FILES, {"2013-05"}, Unit.MONTH, 3) == ["2013-04", "2013-05"]


def test_nothing_is_whole_where_nothing_is():
    assert whole.found({"2013-05": []}, set(), Unit.MONTH, 3) == []


@pytest.mark.parametrize(
    ("unit", "span", "before", "after"),
    [
        (Unit.HOUR, "2013-05-31T23", "2013-06-01T23:59", "2013-06-02T00:00"),
        (Unit.DAY, "2013-05-31", "2013-06-01T23:59", "2013-06-02T00:00"),
        (Unit.WEEK, "2013-W22", "2013-06-03T23:59", "2013-06-04T00:00"),
        (Unit.QUARTER, "2013-Q2", "2013-07-01T23:59", "2013-07-02T00:00"),
        (Unit.YEAR, "2013", "2014-01-01T23:59", "2014-01-02T00:00"),
    ],
)
def test_the_wait_counts_from_the_end_of_a_span_of_any_unit(on, unit, span, before, after):
    on(before)
    assert whole.found({span: ["a.csv"]}, set(), unit, 1) == []
    on(after)
    assert whole.found({span: ["a.csv"]}, set(), unit, 1) == [span]
