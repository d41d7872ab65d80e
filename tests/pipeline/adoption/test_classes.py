"""A class that the training of some window lacks is found, so that its run is not refused."""

import pandas as pd
import pytest

from components.shared.units import Unit
from pipeline.adoption import classes, source
from pipeline.adoption.periods import Periods
from pipeline.adoption.written import SPAN, WRITTEN

MONTHS = ("2024-01", "2024-02", "2024-03")


def periods(**further):
    return Periods(Unit.MONTH, MONTHS, (62, 58, 62), 2, 0, (MONTHS[:2], MONTHS[1:]), (), (), **further)


@pytest.fixture
def con(tmp_path):
    con = source.connect(tmp_path)
    yield con
    con.close()


@pytest.mark.parametrize(
    ("begins", "eval_days", "lacking"),
    [
        ("2024-01-01", 10, {}),
        ("2024-02-10", 10, {}),
        ("2024-02-25", 10, {"new": 1}),
        ("2024-03-25", 10, {"new": 2}),
        ("2024-03-25", 1, {"new": 1}),
        ("2024-04-01", 10, {"new": 2}),
    ],
)
def test_a_class_that_begins_late_is_not_in_all_training(con, begins, eval_days, lacking):
    days = pd.date_range("2024-01-01", "2024-03-31")
    rows = pd.concat(pd.DataFrame({"day": days, "kind": name}) for name in ("old", "other", "new"))
    rows = rows[(rows["kind"] != "new") | (rows["day"] >= begins)]
    con.register(WRITTEN, rows.assign(**{SPAN: rows["day"].dt.strftime("%Y-%m")}))
    found = classes.lacking(con, ["new", "old", "other"], "kind", "day", periods(eval_days=eval_days))
    assert found == lacking
    assert classes.lacking(con, [], "kind", "day", periods(eval_days=eval_days)) == {}, "a label without classes"


def test_without_a_date_the_hash_decides(con):
    rows = pd.DataFrame({SPAN: MONTHS[0], "price": range(200), "kind": ["old", "other"] * 100})
    again = pd.DataFrame({SPAN: MONTHS[1], "price": range(200), "kind": ["old", "new"] * 100})
    con.register(WRITTEN, pd.concat([rows, again]))
    undated = Periods(Unit.MONTH, MONTHS[:2], (200, 200), 2, 1, (MONTHS[:1], MONTHS[:2]), (), (), eval_share=0.2)
    assert classes.lacking(con, ["new", "old", "other"], "kind", "", undated) == {"new": 1}
