"""SQL takes the names of the person's own file, and those that the columns got; a date may stand in several columns."""

import argparse

import pandas as pd
import pytest

from components.shared.errors import BadConfig
from pipeline.adoption import find, profiles, source, table

ROWS = pd.DataFrame(
    {
        "Total Amount": [5.0, 20.0, 30.0] * 20,
        "total_amount": [1.0, 2.0, 3.0] * 20,
        "class": ["a", "b", "c"] * 20,
        "shop": ["x", "y"] * 30,
    }
)


@pytest.fixture
def found(tmp_path):
    con = source.connect(tmp_path)

    def run(label, date="", rows=ROWS, answer=None):
        con.execute(f"DROP VIEW IF EXISTS {find.VIEW}")
        con.register("rows", rows)
        con.execute("CREATE OR REPLACE TABLE given AS FROM rows")
        old_names = profiles.clean(con)

        def ask(question, answers, proposed):
            if answer is None:
                raise BadConfig(question)
            return answers[answer]

        return find.find(con, argparse.Namespace(label=label, date=date), old_names, ask)

    yield run
    con.close()


@pytest.mark.parametrize(
    ("label", "in_label", "ones"),
    [
        ('"Total Amount" > 10 AS dear', ["Total_Amount"], 40),
        ("Total_Amount_ > 10 AS dear", None, None),
        ("class = 'a' AS first", ["class_"], 20),
        ("class_ = 'a' AS first", ["class_"], 20),
        ("total_amount > 2 AS dear", ["total_amount_2"], 20),
        ("total_amount_2 > 2 AND shop = 'class'", ["total_amount_2", "shop"], 0),
    ],
)
def test_sql_takes_both_names_of_a_column(found, label, in_label, ones):
    if in_label is None:
        with pytest.raises(BadConfig, match="Expected columns of the table, such as"):
            found(label)
        return
    result = found(label)
    assert set(in_label) <= set(result.in_label)
    assert dict(result.label.top).get("true", 0) == ones
    assert result.label_is == label.partition(" AS ")[0]


@pytest.mark.parametrize(
    ("label", "near"),
    [
        ("clas", "Expected one of class, class_"),
        ("Shop", "Expected one of shop, or SQL"),
        ("nothing_like_it", "Expected one of Total_Amount, class_, shop"),
        ('"Total Amnt" > 10', "such as Total Amount"),
        ("shopp = 'x'", "such as shop"),
    ],
)
def test_a_name_that_is_no_column_is_refused_with_near_ones(found, label, near):
    with pytest.raises(BadConfig) as refused:
        found(label)
    assert near in str(refused.value)


PARTS = ROWS.assign(year=2024, month=[*range(1, 13)] * 5, day=[*range(1, 21)] * 3)


def test_year_month_and_day_become_the_date_where_there_is_no_other(found):
    result = found("shop", rows=PARTS)
    assert (result.date.name, result.date.type) == ("date", "time")
    assert result.notes == ["The date of a row, date, is made of year, month, day."]
    assert found("shop", date="none", rows=PARTS).date is None
    dated = PARTS.assign(sent=pd.date_range("2024-01-01", periods=60))
    assert found("shop", rows=dated).date.name == "sent"


EITHER = ROWS.assign(sent=[f"{1 + at % 12:02}/{1 + at % 7:02}/2024" for at in range(60)])


def test_whether_the_day_or_the_month_is_first_is_asked_where_no_row_tells(found):
    with pytest.raises(BadConfig, match="whether the day or the month is first in sent"):
        found("shop", rows=EITHER)
    months = [{value[5:7] for value, _ in found("shop", rows=EITHER, answer=answer).date.top} for answer in (0, 1)]
    assert max(months[0]) == "07" < max(months[1]), "of days first, and of months first"
    assert found("shop", rows=EITHER, answer=2).date is None
    said = found("shop", date="try_strptime(sent, '%m/%d/%Y') AS sent", rows=EITHER)
    assert said.date.name == "sent"
    rare = EITHER.assign(sent=[*EITHER["sent"][:59], "05/31/2024"])
    assert found("shop", rows=rare).date.missing == 0, "one row in sixty tells"
    other = found("shop", date="day", rows=EITHER.assign(day=pd.date_range("2024-01-01", periods=60)))
    assert other.notes == ["No row tells whether the day or the month is first in sent: it stays a text."]


def test_two_values_alone_are_asked_about_and_a_name_is_told(found):
    plain = ROWS.drop(columns="class")
    with pytest.raises(BadConfig, match=r"Which column is predicted \(--label NAME, or SQL\)\?"):
        found("", rows=plain)
    asked = found("", rows=plain, answer=0)
    assert (asked.label.name, asked.label_by_name) == ("shop", False)
    assert found("", rows=plain, answer=1).label.name == "Total_Amount", "a number, by its name in the file"
    named = found("", rows=plain.assign(target=[0, 1] * 30))
    assert (named.label.name, named.label_by_name) == ("target", True)
    assert not found("target", rows=plain.assign(target=[0, 1] * 30)).label_by_name


def test_the_time_that_might_have_been_the_date_is_known(found):
    dated = ROWS.assign(sent=pd.date_range("2024-01-01", periods=60))
    assert found("shop", date="none", rows=dated).clock.name == "sent"
    assert found("shop", rows=dated).clock is None
    assert found("shop").clock is None


def test_words_that_may_be_names():
    assert table.words("\"a b\" > 1 AND c = 'it''s \"d\"'") == ["a b", "AND", "c"]
