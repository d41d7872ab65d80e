"""Labels as people spell them become 0 and 1; which is 1 is said, and can be given."""

import duckdb
import pandas as pd
import pytest

from components.shared.errors import BadConfig, BadData
from pipeline.adoption import labels
from pipeline.adoption.profiles import Profile


def label(*values, type_="text", missing=0, name="label"):
    top = tuple(sorted({value: values.count(value) for value in values}.items(), key=lambda each: -each[1]))
    return Profile(name, type_, len(values) + missing, missing, len(top), top=top)


@pytest.mark.parametrize(
    ("values", "positive", "is_sure"),
    [
        (["yes", "no", "no"], "yes", True),
        (["Yes", "NO", "yes", "no "], "Yes", True),
        (["true", "false"], "true", True),
        (["0.0", "1.0"], "1.0", True),
        (["1", "2"], "2", False),
        (["good", "good", "bad"], "bad", False),
        (["<=50K", ">50K", "<=50K"], ">50K", False),
        (["f", "t"], "t", True),
    ],
)
def test_which_value_is_1(values, positive, is_sure):
    found = labels.target(label(*values))
    assert (found.positive, found.is_sure, found.task) == (positive, is_sure, "binary")


def test_each_spelling_counts_and_a_missing_label_stays_missing():
    found = labels.target(label("Yes", "NO", "yes", "no ", missing=1, name="came"))
    rows = duckdb.from_df(pd.DataFrame({"came": ["Yes", "NO", "yes", "no ", None]}))
    assert [row[0] for row in rows.project(found.sql).fetchall()] == [1, 0, 1, 0, None]


def test_a_person_says_which_is_1():
    found = labels.target(label("good", "bad"), "GOOD")
    assert (found.positive, found.negative, found.is_sure) == ("good", "bad", True)
    with pytest.raises(BadConfig, match="Expected one of these"):
        labels.target(label("good", "bad"), "worse")


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (label("a", "a"), "is a in each row that has one"),
        (label(missing=3), "missing in all 3 rows"),
        (label("a", "b", "c"), "has 3 values, such as a, b, c"),
        (label(*map(str, range(30)), type_="number"), "has numbers, such as"),
    ],
)
def test_what_is_no_binary_label_is_refused(profile, message):
    with pytest.raises(BadData, match=message):
        labels.target(profile)


def test_the_one_column_of_two_values_is_the_label_or_the_one_that_is_called_so():
    gift, late = label("0", "1", name="gift"), label("yes", "no", name="outcome")
    shop = label("a", "b", "c", name="shop")
    assert labels.likely(labels.candidates([shop, gift])) == gift
    assert labels.likely(labels.candidates([shop, gift, late])) == late
    assert labels.likely(labels.candidates([gift, label("0", "1", name="express")])) is None
