"""Read what a cell says, the same for training and serving and from any format. `data/README.md` has the table."""

from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

# No category is lost by these, since no number or date is written so; texts keep them: NA is Namibia.
NO_NUMBER = pa.array(["", "-nan", "nan", "na", "n/a", "#n/a", "<na>", "null", "none", "\\n"])
BOOLEANS = {"true": "1", "false": "0"}
WHOLE = r"^([+-]?\d+)\.0*$"
DAY = r"^\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?)?$"
TIME = DAY.replace(")?$", ")$")  # the last group, the time, has to be there
DAY_LENGTH, TIME_LENGTH = len("2013-02-28"), len("2013-02-28T10:00:00")
EXACT = 2.0**53  # from here on a double no longer stands for one integer


class Unfit(ValueError):
    """A value is not what its column is declared to be. `row` is its place in the column, from 0."""

    def __init__(self, row: int, message: str):
        super().__init__(message)
        self.row = row


def expected(type_: pa.DataType) -> str:
    """Word what a value of a declared type is."""
    if pa.types.is_timestamp(type_):
        return "a time without a zone, such as 2013-02-28 10:00:00"
    if pa.types.is_date(type_):
        return "a date such as 2013-02-28, or one with a time and no zone, such as 2013-02-28 10:00:00"
    if pa.types.is_floating(type_):
        return "a number such as 1.5"
    return "an integer such as 1" if pa.types.is_integer(type_) else "a text in UTF-8"


def cast(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Cast a column of any type to string, float32, float64, int64, date32 or timestamp[s]; what is missing is null.

    Nothing changes but by rounding. Text becomes a number or a date by the table in `data/README.md`. Raises Unfit, naming the
    first value that does not fit.
    """
    try:
        return _cast(column, type_)
    except ValueError:  # Arrow's is one too
        if pa.types.is_dictionary(column.type):  # a value that no row has does no harm
            return cast(column.dictionary_decode(), type_)
    row = _first_unfit(column, type_)
    try:
        _cast(column.slice(row, 1), type_)
    except ValueError as error:
        # Of a text, Arrow only says that it is no number.
        why = "" if (is_text(column.type) and isinstance(error, pa.ArrowException)) or not str(error) else f" ({error})"
        value = column.cast(pa.binary())[row].as_py() if is_text(column.type) else column[row].as_py()
        shown = repr(value)
        with suppress(UnicodeDecodeError, AttributeError):
            shown = repr(value.decode())
        raise Unfit(row, f"{shown}; expected {expected(type_)}{why}") from error
    raise AssertionError(f"rows of {column.type} that are {type_} each, and not together")


def _first_unfit(column: pa.Array, type_: pa.DataType) -> int:
    """Find the first misfit by halving: the longest start of the column that can be cast ends there."""
    low, high = 0, len(column)  # the first `low` rows can be cast, the first `high` cannot
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(column.slice(low, middle - low), type_)
            low = middle
        except ValueError:
            high = middle
    return low


def is_text(type_: pa.DataType) -> bool:
    """Tell whether it is text, or bytes that may be text."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(type_) for test in tests)


def _cast(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return _cast(column.dictionary, type_).take(column.indices)
    if pa.types.is_null(column.type):
        return column.cast(type_)
    if type_ == pa.string():
        return _text(column)
    if is_text(column.type):
        texts = column.cast(pa.string())
        return _date_of(texts, type_) if pa.types.is_temporal(type_) else _number_of(texts, type_)
    if pa.types.is_timestamp(type_):
        column = pc.floor_temporal(column, unit="second")
    return column.cast(type_) if pa.types.is_temporal(type_) else _number(column, type_)


def _text(column: pa.Array) -> pa.Array:
    """Cast to text. An empty one is missing: no model can tell the two apart, since TensorFlow has no other way to say it."""
    texts = column.cast(pa.string())
    texts.validate(full=True)  # neither Parquet nor a cast from bytes finds invalid UTF-8
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _number(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    if not pa.types.is_floating(type_):
        return column.cast(type_)  # a float that is no integer is an error
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())  # straight to float32, Arrow computes in float32
    rounded = column.cast(type_, safe=False)  # rounding is meant
    infinite = pc.is_inf(column) if pa.types.is_floating(column.type) else False
    if column.filter(pc.and_not(pc.is_inf(rounded), infinite)).drop_null():
        raise ValueError("it is too large")
    return rounded


def _number_of(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_floating(type_):
        with suppress(pa.ArrowInvalid):  # most columns have plain numbers only
            return _number(_double(texts), type_)
    texts = pc.utf8_trim_whitespace(texts)
    lower = pc.utf8_lower(texts)
    texts = pc.if_else(pc.is_in(lower, NO_NUMBER), None, texts)
    for word, number in BOOLEANS.items():
        texts = pc.if_else(pc.equal(lower, word), number, texts)
    if pc.any(pc.match_substring_regex(texts, "(?i)x")).as_py():  # Arrow would read hexadecimal
        raise ValueError
    if pa.types.is_floating(type_):
        return _number(_double(texts), type_)
    digits = pc.replace_substring_regex(texts, WHOLE, r"\1")
    is_plain = pc.match_substring_regex(digits, r"^[+-]?\d+$")
    plain = pc.utf8_ltrim(pc.if_else(is_plain, digits, None), "+").cast(type_)
    others = pc.if_else(is_plain, None, digits).cast(pa.float64())  # such as 1.0E7, as Spark writes it
    if pc.any(pc.greater_equal(pc.abs(others), EXACT)).as_py():
        raise ValueError("it is too large")
    return pc.coalesce(plain, _number(others, type_))


def _double(texts: pa.Array) -> pa.Array:
    """Cast texts to doubles. Arrow makes 1e400 infinite, as it does `inf`."""
    numbers = texts.cast(pa.float64())
    if pc.any(pc.and_not(pc.is_inf(numbers), pc.match_substring(texts, "inf", ignore_case=True))).as_py():
        raise ValueError("it is too large")
    return numbers


def _date_of(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    form, length = (TIME, TIME_LENGTH) if pa.types.is_timestamp(type_) else (DAY, DAY_LENGTH)
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.if_else(pc.is_in(pc.utf8_lower(texts), NO_NUMBER), None, texts)
    if not pc.all(pc.match_substring_regex(texts, form), min_count=0).as_py():
        raise ValueError
    return pc.utf8_slice_codeunits(texts, 0, length).cast(type_)


MISSING = {"string": b"", "float32": float("nan"), "int64": 0}
