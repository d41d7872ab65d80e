"""Each column becomes a feature of its kind, or is left out with a reason."""

from dataclasses import replace

import pytest

from pipeline.adoption import columns, dates
from pipeline.adoption.profiles import Profile
from pipeline.adoption.reasons import Known

ROWS = 1000
KNOWN = Known("label", "day")


def integer(name, low, high, distinct, **further):
    return Profile(name, "integer", ROWS, **{"missing": 0, "distinct": distinct, "low": low, "high": high} | further)


def text(name, distinct, **further):
    return Profile(name, "text", **{"rows": ROWS, "missing": 0, "distinct": distinct, "longest": 10, "words": 1.2} | further)


PRICE = Profile("price", "number", ROWS, 0, 700, 0.5, 90)
AT = Profile("sent_at", "time", ROWS, 0, 900, has_time=True)


@pytest.mark.parametrize(
    ("profile", "feature"),
    [
        (PRICE, {"kind": "numeric"}),
        (replace(PRICE, missing=3), {"kind": "numeric", "optional": True}),
        (text("shop", 20), {"kind": "categorical"}),
        (integer("gift", 0, 1, 2, top=(("0", 600), ("1", 400))), {"kind": "flag"}),
        (integer("items", 1, 9, 9), {"kind": "numeric"}),
        (integer("shop_id", 100, 900, 50), {"kind": "categorical"}),
        (integer("paid", 3, 90_000, 70), {"kind": "numeric"}),
        (integer("sent_hour", 0, 23, 24), {"kind": "cyclic", "period": 24, "unit": "hours"}),
        (integer("month", 1, 12, 12), {"kind": "cyclic", "period": 12, "unit": "months"}),
        (integer("day_of_week", 1, 7, 7), {"kind": "cyclic", "period": 7, "unit": "days of the week"}),
        (Profile("express", "flag", ROWS, 5, 2), {"kind": "categorical", "optional": True}),
    ],
    ids=lambda each: each.name if isinstance(each, Profile) else "",
)
def test_kinds(profile, feature):
    assert columns.choose([profile], KNOWN)[0][0].feature == feature


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (text("shop", 1, top=(("books", ROWS),)), "constant: books"),
        (text("note", 900, words=9.0), "free text"),
        (text("code", 990), "an identifier: 990 texts"),
        (integer("parcel_id", 7, 9000, 1000), "a number of its own"),
        (integer("anything", 5, 1004, 1000), "a number of its own"),
        (replace(integer("athlete_id", 3, 90_000, 2_000), rows=20_000), "an identifier, by its name and 2,000 values"),
        (text("shop", 8, missing=995), "missing in 99.50%"),
        (text("shop", 0, missing=ROWS), "missing in all rows"),
        (Profile("sent", "time", ROWS, 0, 1, top=(("2024-01-01", ROWS),)), "constant: 2024-01-01"),
    ],
)
def test_reasons(profile, why):
    chosen, left_out = columns.choose([profile], KNOWN)
    assert not chosen
    assert why in left_out[0].why


def test_many_categories_are_kept_with_a_word():
    [chosen], _ = columns.choose([text("street", 30_000, rows=400_000)], KNOWN)
    assert (chosen.feature, chosen.distinct) == ({"kind": "categorical"}, 30_000)
    assert chosen.why == "30,000 categories, of which the most frequent have an embedding each"


def test_what_knows_the_label_is_left_out_unless_a_person_keeps_it():
    one_way = dict.fromkeys(["size", "sent_at"], "there only where")
    known = replace(KNOWN, alone={"price": 0.999, "weight": 0.9}, one_way=one_way, in_label=["weight"])
    profiles = [PRICE, *(replace(PRICE, name=name) for name in ("weight", "size", "width")), AT]
    chosen, left_out = columns.choose(profiles, known)
    assert [each.name for each in chosen] == ["width"]
    assert [each.name for each in left_out] == ["price", "weight", "size", "sent_at"]
    assert all(each.sure == "likely" for each in left_out)
    assert len(columns.choose(profiles, replace(known, keep=["price", "weight", "size"]))[0]) == 4


def test_a_time_becomes_its_cyclic_parts_unless_the_table_has_them():
    chosen, left_out = columns.choose([AT], replace(KNOWN, date="sent_at"))
    assert [(each.name, each.feature["period"]) for each in chosen] == [("sent_at_minute", 1440), ("sent_at_weekday", 7)]
    assert not left_out, "the date is no feature, and is not left out either"
    assert not columns.choose([AT], replace(KNOWN, date="sent_at", leave_out=["sent_at"]))[0]
    monthly = replace(AT, has_time=False, top=(("2024-01-01 00:00:00", 400), ("2024-02-01 00:00:00", 300)))
    assert not columns.choose([monthly], replace(KNOWN, date="sent_at"))[0], "of a first of the month it is noise"
    chosen, left_out = columns.choose([AT, integer("weekday", 0, 6, 7)], KNOWN)
    assert [each.name for each in chosen] == ["weekday", "sent_at_minute"]
    assert left_out[0].why == "a time, which is no feature itself, from which sent_at_minute is taken"


def test_what_is_to_be_looked_at_is_a_guess():
    [chosen], _ = columns.choose([PRICE], replace(KNOWN, doubts={"price": "check it"}))
    assert (chosen.sure, chosen.why) == ("a guess", "check it")


@pytest.mark.parametrize(
    ("profile", "sql"),
    [
        (integer("sent_at", 1.4e9, 1.5e9, 900), ['make_timestamp("sent_at" * 1000000)']),
        (integer("timestamp", 1.4e12, 1.5e12, 900), ['make_timestamp("timestamp" * 1000)']),
        (integer("date", 20130101, 20131231, 365), ["try_strptime(CAST(\"date\" AS VARCHAR), '%Y%m%d')"]),
        (text("sent", 20, top=(("31.12.2013 10:30", 1), ("1.2.2014 11:00", 1))), ["try_strptime(\"sent\", '%d.%m.%Y %H:%M')"]),
        (text("sent", 20, top=(("31.12.2013", 1), ("2014-02-01", 1))), ["try_strptime(\"sent\", ['%d.%m.%Y', '%Y-%m-%d'])"]),
        (
            text("sent", 20, top=(("01/02/2013", 1), ("03/04/2014", 1))),
            ["try_strptime(\"sent\", '%d/%m/%Y')", "try_strptime(\"sent\", '%m/%d/%Y')"],
        ),
        (text("sent", 20, top=(("01/02/2013", 1), ("03/14/2014", 1))), ["try_strptime(\"sent\", '%m/%d/%Y')"]),
        (text("sent", 20, top=(("14/02/2013", 1), ("03/14/2014", 1))), []),
        (text("sent", 20), []),
        (integer("amount", 1.4e9, 1.5e9, 900), []),
        (integer("day", 1, 31, 31), []),
    ],
)
def test_times_that_are_written_as_texts_or_numbers(profile, sql):
    assert dates.as_time(profile) == sql


YEAR, MONTH, DAY = integer("year", 2020, 2024, 5), integer("Month", 1, 12, 12), integer("dom", 1, 31, 31)


@pytest.mark.parametrize(
    ("found", "name", "columns"),
    [
        ([PRICE, DAY, MONTH, YEAR], "date", ["year", "Month", "dom"]),
        ([MONTH, YEAR], "date", ["year", "Month"]),
        ([integer("sent_year", 2020, 2024, 5), integer("sent_month", 1, 12, 12)], "sent_date", ["sent_year", "sent_month"]),
    ],
)
def test_a_date_is_made_of_its_parts(found, name, columns):
    assert dates.joined(found)[::2] == (name, columns)


@pytest.mark.parametrize(
    "found",
    [
        [YEAR, DAY],
        [integer("year", 1, 9, 9), MONTH, DAY],
        [YEAR, integer("month", 0, 11, 12), DAY],
        [integer("sent_year", 2020, 2024, 5), MONTH],
        [YEAR, MONTH, text("date", 20)],
    ],
)
def test_what_is_no_part_of_a_date_is_left_as_it_is(found):
    assert dates.joined(found) is None


def test_a_feature_that_ranks_the_label_nearly_as_a_copy_does_is_asked_about():
    [chosen], _ = columns.choose([PRICE], replace(KNOWN, alone={"price": 0.97}))
    assert (chosen.sure, chosen.why) == (
        "a guess",
        "alone it ranks the label with AUC 0.970: check that it is known before the outcome",
    )


def test_columns_that_add_up_to_the_label_are_left_out():
    _, left_out = columns.choose([PRICE, replace(PRICE, name="tip")], replace(KNOWN, summands=["price", "tip"]))
    assert [each.why for each in left_out] == [
        f"with {other} it adds up to the label, so it is known only when the label is" for other in ("tip", "price")
    ]
    _, [alone] = columns.choose([PRICE], replace(KNOWN, summands=["price"]))
    assert alone.why == "it is the label times a factor, so it is known only when the label is"
