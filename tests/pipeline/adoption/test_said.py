"""What a person says of columns is done, or refused with the reason; nothing that was said is ignored."""

from dataclasses import replace

import pytest

from components.shared.errors import BadConfig
from pipeline.adoption import columns, said
from pipeline.adoption.profiles import Profile
from pipeline.adoption.reasons import Known

ROWS = 1000
UNIT = Profile("unit", "text", ROWS, 0, 1, top=(("kg", ROWS),), longest=2, words=1)
EMPTY = Profile("empty", "text", ROWS, ROWS, 0)
NOTE = Profile("note", "text", ROWS, 0, 900, longest=300, words=9)
CODE = Profile("code", "text", ROWS, 0, 990, longest=10, words=1)
DAY = Profile("day", "time", ROWS, 0, 400)
FIRSTS = Profile("billed", "time", ROWS, 0, 12, top=(("2024-01-01", 500), ("2024-02-01", 500)))
LABEL = Profile("late", "integer", ROWS, 0, 2, low=0, high=1, top=(("0", 600), ("1", 400)))
ALL = [UNIT, EMPTY, NOTE, CODE, DAY, FIRSTS, LABEL]
KNOWN = Known("late", "day")


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        ("unit", "--keep unit: it is kg in each row that has a value. Expected two values or more"),
        ("empty", "--keep empty: it is missing in all rows. Expected two values or more"),
        ("note", "--keep note: it has texts of 300 characters. Expected 256 or fewer"),
        ("late", "--keep late: it is the label"),
        ("day", "--keep day: it is the date of a row"),
        ("billed", "--keep billed: it is a time"),
        ("prize", "there is no column prize. Expected some of unit, empty"),
    ],
)
def test_what_cannot_be_kept_is_refused(keep, why):
    with pytest.raises(BadConfig) as refused:
        said.check(ALL, replace(KNOWN, keep=[keep]))
    assert why in str(refused.value)


def test_what_can_be_kept_is():
    known = replace(KNOWN, keep=["code"])
    said.check(ALL, known)
    assert "code" in [each.name for each in columns.choose(ALL, known)[0]]


def test_a_time_that_is_kept_has_its_parts_also_where_the_table_has_another_of_the_kind():
    weekday = Profile("weekday", "integer", ROWS, 0, 7, low=0, high=6)
    sent = replace(DAY, name="sent")
    assert [each.name for each in columns.choose([weekday, sent], KNOWN)[0]] == ["weekday"]
    known = replace(KNOWN, keep=["sent"])
    said.check([weekday, sent], known)
    assert [each.name for each in columns.choose([weekday, sent], known)[0]] == ["weekday", "sent_weekday"]


def test_the_label_cannot_be_left_out_nor_a_column_be_kept_and_left_out():
    with pytest.raises(BadConfig, match="--leave-out late: it is the label"):
        said.check(ALL, replace(KNOWN, leave_out=["late"]))
    with pytest.raises(BadConfig, match="--keep and --leave-out both name code"):
        said.check(ALL, replace(KNOWN, keep=["code"], leave_out=["code"]))
    said.check(ALL, replace(KNOWN, leave_out=["day"]))
