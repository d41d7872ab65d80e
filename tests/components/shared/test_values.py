"""What a cell says, in each format: the table of data/README.md."""

import datetime

import pyarrow as pa
import pytest

from components.shared import values

DAY = datetime.date(2013, 2, 28)


@pytest.mark.parametrize(
    ("type_", "texts", "expected"),
    [
        (pa.string(), ["NA", "NULL", "\\N", "None", "nan", "", None], ["NA", "NULL", "\\N", "None", "nan", None, None]),
        (pa.int64(), ["1", "1.0", "0.0", "True", "false", "TRUE", "+3", " 4 ", "1.0E7"], [1, 1, 0, 1, 0, 1, 3, 4, 10_000_000]),
        (pa.int64(), ["9007199254740993.0", "-9223372036854775808"], [9007199254740993, -(2**63)]),
        (pa.int64(), ["", "NA", "NaN", "null", "NULL", "None", "\\N", "#N/A", None], [None] * 9),
        (pa.float32(), ["1.5", "1e3", "true", "-inf", "+2"], [1.5, 1000.0, 1.0, float("-inf"), 2.0]),
        (pa.float64(), ["1.5", "Infinity", "INF", None], [1.5, float("inf"), float("inf"), None]),
        (pa.float32(), ["", "NA", "nan", "-nan", "<NA>", "\\N", None], [None] * 7),
        (
            pa.timestamp("s"),
            ["2013-02-28 10:00", " 2013-02-28T23:59:59.9 ", "NA", None],
            [datetime.datetime(2013, 2, 28, 10), datetime.datetime(2013, 2, 28, 23, 59, 59), None, None],
        ),
        (pa.date32(), ["2013-02-28", "2013-02-28 10:00", "2013-02-28T23:59:59.123456", "", None], [DAY, DAY, DAY, None, None]),
    ],
)
def test_a_text_is_what_its_column_is_declared_to_be(type_, texts, expected):
    assert values.cast(pa.array(texts, pa.string()), type_).to_pylist() == expected
    assert values.cast(pa.array(texts, pa.string()).dictionary_encode(), type_).to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "type_", "message"),
    [
        (["1", "0.5"], pa.int64(), "'0.5'; expected an integer such as 1"),
        (["1", "0x10"], pa.int64(), "'0x10'; expected an integer"),
        (["1", "1_0"], pa.float32(), "'1_0'; expected a number such as 1.5"),
        (["1", "1e300"], pa.float32(), "'1e300'; expected a number such as 1.5 (it is too large)"),
        (["inf", "1e400"], pa.float32(), "'1e400'; expected a number such as 1.5 (it is too large)"),
        (["NA", "-1e400"], pa.float64(), "'-1e400'; expected a number such as 1.5 (it is too large)"),
        (["1", "inf"], pa.int64(), "'inf'; expected an integer"),
        (["2013-02-28", "2013-02-30"], pa.date32(), "'2013-02-30'; expected a date such as 2013-02-28"),
        (["2013-02-28", "28.02.2013"], pa.date32(), "'28.02.2013'; expected a date such as 2013-02-28"),
        (["2013-02-28", "2013-02-28 00:00:00 UTC"], pa.date32(), "00 UTC'; expected a date such as 2013-02-28, .* no zone"),
        (["2013-02-28 10:00", "2013-02-28"], pa.timestamp("s"), "'2013-02-28'; expected a time without a zone, such as"),
        ([1.0, 0.5], pa.int64(), "0.5; expected an integer such as 1 (Float value 0.5 was truncated"),
        ([b"a", b"\xff"], pa.string(), "b'\\xff'; expected a text in UTF-8"),
    ],
)
def test_another_value_is_named_with_its_row_and_what_is_expected(column, type_, message):
    with pytest.raises(values.Unfit) as error:
        values.cast(pa.array(column), type_)
    assert error.value.row == 1
    for part in message.split(".*"):
        assert part in str(error.value)


@pytest.mark.parametrize("type_", [pa.string(), pa.int64(), pa.float32(), pa.float64(), pa.date32()])
def test_a_column_without_rows_or_without_values_is_one_of_any_type(type_):
    for texts in ([], [None, None]):
        assert values.cast(pa.array(texts, pa.string()), type_).to_pylist() == texts


def test_a_value_of_a_dictionary_that_no_row_has_breaks_nothing():
    column = pa.DictionaryArray.from_arrays([0, 0], ["1", "many"])
    assert values.cast(column, pa.int64()).to_pylist() == [1, 1]
