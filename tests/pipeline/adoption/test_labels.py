"""Labels as people spell them become 0 and 1; which is 1 is said, and can be given."""

from dataclasses import replace

import duckdb
import pandas as pd
import pytest

from components.shared.errors import BadConfig, BadData
from pipeline.adoption import label_column, labels, tasks
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
    assert (found.pair[0], found.is_sure, found.task) == (positive, is_sure, tasks.BINARY)
    assert found.stated == {}


def test_each_spelling_counts_and_a_missing_label_stays_missing():
    found = labels.target(label("Yes", "NO", "yes", "no ", missing=1, name="came"))
    rows = duckdb.from_df(pd.DataFrame({"came": ["Yes", "NO", "yes", "no ", None]}))
    assert [row[0] for row in rows.project(found.sql).fetchall()] == [1, 0, 1, 0, None]


def test_a_person_says_which_is_1():
    found = labels.target(label("good", "bad"), "GOOD")
    assert (found.pair, found.is_sure, found.sure) == (("good", "bad"), True, "as you say")
    assert found.words == {"title": "Predict label.", "event": "label good", "positive": "good", "negative": "bad"}
    with pytest.raises(BadConfig, match="Expected one of these"):
        labels.target(label("good", "bad"), "worse")


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (label("a", "a"), "is a in each row that has one"),
        (label(missing=3), "missing in all 3 rows"),
        (label(*(f"town {number}" for number in range(30))), "has 30 values, such as town 0, town 1"),
    ],
)
def test_what_is_no_label_is_refused(profile, message):
    with pytest.raises(BadData, match=message):
        labels.target(profile)


def price(*values, type_="number"):
    numbers = [float(value) for value in values]
    return replace(
        label(*values, type_=type_, name="price"),
        low=min(numbers),
        high=max(numbers),
        middle=sorted(numbers)[len(numbers) // 2],
    )


def test_a_few_texts_are_classes():
    found = labels.target(
        label(*["setosa", "virginica", "virginica ", "setosa"] * 30, *["versicolor"] * 25, *["lost"] * 3, name="species")
    )
    assert (found.task, found.sure, found.rare) == (tasks.MULTICLASS, "sure", ("=", "versicolor"))
    assert found.stated == {"task": "multiclass", "classes": ["setosa", "versicolor", "virginica"]}
    assert found.values == "3 classes: setosa, versicolor, virginica; without lost (3 rows), of fewer than 20"
    rows = duckdb.from_df(pd.DataFrame({"species": ["virginica ", "setosa", None, "lost"]}))
    assert [row[0] for row in rows.project(found.sql).fetchall()] == ["virginica", "setosa", None, None]


def test_a_few_whole_numbers_are_classes_unless_a_person_says_numbers():
    quality = price(*["3", "10", "4", "3"] * 20, type_="integer")
    found = labels.target(quality)
    assert (found.task, found.sure) == (tasks.MULTICLASS, "likely, or --task regression")
    assert found.stated["classes"] == ["3", "4", "10"], "in the order of numbers"
    assert labels.target(quality, task="regression").task is tasks.REGRESSION


@pytest.mark.parametrize("values", [("1.5", "2.5", "9.0"), tuple(map(str, range(40)))])
def test_many_numbers_are_a_quantity(values):
    found = labels.target(price(*values))
    assert (found.task, found.stated, found.rare[0]) == (tasks.REGRESSION, {"task": "regression"}, ">")
    assert found.values.startswith("numbers of ")
    rows = duckdb.from_df(pd.DataFrame({"price": [1.25, None]}))
    assert [row[0] for row in rows.project(found.sql).fetchall()] == [1.25, None]


@pytest.mark.parametrize(
    ("profile", "task", "message"),
    [
        (label("a", "b", "c"), "binary", "Expected two values"),
        (label("a", "b", "c"), "regression", "Expected numbers"),
        (label("a", "b"), "multiclass", "Expected 3 to 19 values"),
    ],
)
def test_a_task_that_the_values_do_not_fit_is_refused(profile, task, message):
    with pytest.raises(BadConfig, match=message):
        labels.target(profile, task=task)


def test_only_the_one_column_that_is_called_as_labels_are_is_the_label():
    gift, late = label("0", "1", name="gift"), label("yes", "no", name="outcome")
    shop = label("a", "b", "c", name="shop")
    assert label_column.candidates([shop, gift]) == [gift]
    assert label_column.likely(label_column.candidates([shop, gift])) is None, "two values alone are no ground"
    assert label_column.likely(label_column.candidates([shop, gift, late])) == late
    kind = label("a", "b", "c", name="class_")
    assert label_column.likely(label_column.candidates([shop, gift, kind])) == kind
    assert label_column.likely(label_column.candidates([late, kind])) is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(
            (name, True)
            for name in ("label", "Target", "class_", "y", "churn", "Churn_Label", "is_fraud", "default_payment_next")
        ),
        *((name, False) for name in ("is_weekend", "has_children", "store_flag", "default_language", "churn_score", "classes")),
    ],
)
def test_names_that_labels_have(name, is_one):
    assert (label_column.likely([label("0", "1", name=name)]) is not None) == is_one


def test_what_was_taken_for_its_name_is_never_sure():
    found = labels.target(label("yes", "no"), by_name=True)
    assert found.sure == "named like a label; another: --label NAME"
    quality = labels.target(price(*["3", "10", "4", "3"] * 20, type_="integer"), by_name=True)
    assert quality.sure == "named like a label; another: --label NAME; likely, or --task regression"


def test_large_numbers_are_other_classes():
    found = labels.target(price(*["1000001", "1000002", "1000003"] * 20, type_="integer"))
    assert found.stated["classes"] == ["1000001", "1000002", "1000003"]


def test_large_numbers_are_told_with_all_their_digits():
    found = labels.target(price("999999838.5", "1000000197", "1000000001"))
    assert found.values == "numbers of 999999838.5 to 1000000197, half of them up to 1000000001"
