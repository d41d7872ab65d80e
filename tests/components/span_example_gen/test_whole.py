import datetime

import pytest

from components.span_example_gen import bucket, whole

FILES = {"2013-04": ["a.csv"], "2013-05": ["01.csv"]}


@pytest.fixture
def on(monkeypatch):
    """Sets the clock to a day."""
    return lambda text: monkeypatch.setattr(whole, "today", lambda: datetime.date.fromisoformat(text))


@pytest.mark.parametrize(("day", "months"), [("2013-06-03", ["2013-04"]), ("2013-06-04", ["2013-04", "2013-05"])])
def test_the_newest_month_is_whole_when_so_many_days_have_passed_since_its_end(on, day, months):
    on(day)
    assert whole.months(FILES, set(), 3) == months


def test_no_day_more_than_the_month_itself_has_to_pass(on):
    on("2013-05-31")
    assert whole.months(FILES, set(), 0) == ["2013-04"]
    on("2013-06-01")
    assert whole.months(FILES, set(), 0) == ["2013-04", "2013-05"]


def test_a_file_of_a_later_month_makes_it_whole_and_an_empty_folder_does_not(on):
    on("2013-05-20")
    assert whole.months({**FILES, "2013-06": []}, set(), 3) == ["2013-04"]
    assert whole.months({**FILES, "2013-06": ["01.csv"]}, set(), 3) == ["2013-04", "2013-05"]


def test_a_marker_makes_it_whole(on, tmp_path):
    on("2013-05-20")
    (tmp_path / "2013-05").mkdir()
    assert bucket.marked(str(tmp_path)) == whole.marked(tmp_path) == set()
    (tmp_path / "2013-05" / "_SUCCESS").touch()
    assert bucket.marked(str(tmp_path)) == whole.marked(tmp_path) == {"2013-05"}
    assert whole.months(FILES, {"2013-05"}, 3) == ["2013-04", "2013-05"]


def test_nothing_is_whole_where_nothing_is():
    assert whole.months({"2013-05": []}, set(), 3) == []
