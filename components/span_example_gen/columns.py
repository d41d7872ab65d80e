"""Whether the columns of a file are the declared ones: their names, their types, their values."""

from collections.abc import Callable, Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from components.errors import BadData
from components.span_example_gen.limits import MAX_BATCH_TEXT_BYTES, MAX_TEXT_BYTES, listed, shown

CONTROL = r"[\x00-\x1f\x7f\x{fffe}\x{ffff}]"  # the last two are no characters, and XML allows them no more than the others
ARROW_TYPES = {"string": pa.string(), "float32": pa.float32(), "int64": pa.int64()}


def is_text(type_: pa.DataType) -> bool:
    """Whether Arrow can read it as a dictionary: text, or bytes that may be text."""
    return any(
        test(type_) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )


def _is_number(type_: pa.DataType) -> bool:
    types = pa.types
    return any(test(type_) for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal))


def _is_date(type_: pa.DataType) -> bool:
    """A timestamp with a zone is none: its day depends on where one stands."""
    return pa.types.is_date(type_) or (pa.types.is_timestamp(type_) and type_.tz is None) or is_text(type_)


READABLE: dict[pa.DataType, Callable[[pa.DataType], bool]] = {
    pa.string(): lambda type_: is_text(type_) or pa.types.is_integer(type_),
    pa.float32(): _is_number,
    pa.int64(): _is_number,
    pa.date32(): _is_date,
}


def require(schema: pa.Schema, present: list[str], ignored: Collection[str]) -> None:
    """Raises BadData unless each column of `schema` is there once, and no other one that is not `ignored`."""
    if missing := [name for name in schema.names if name not in present]:
        raise BadData(f"column {listed(missing)} is missing. Expected {', '.join(schema.names)}; found {listed(present)}.")
    if repeated := sorted({name for name in schema.names if present.count(name) > 1}):
        raise BadData(f"column {', '.join(repeated)} stands more than once. Expected each column once.")
    if unknown := sorted(set(present) - set(schema.names) - set(ignored)):
        raise BadData(
            f"column {listed(unknown)} is not declared. Declare it among the features and in the schema, "
            "or list it under data.ignore_columns to leave it unread."
        )


def check_types(found: pa.Schema, schema: pa.Schema) -> None:
    """Raises BadData unless each column of `schema` can be read from the one that was found."""
    for field in schema:
        type_ = found.field(field.name).type
        values = type_.value_type if pa.types.is_dictionary(type_) else type_
        if not (pa.types.is_null(values) or READABLE[field.type](values)):
            raise BadData(f"column {field.name} is {shown(str(type_))}; expected {field.type}. Write it as that type.")


def pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of a batch whose texts have at most `MAX_BATCH_TEXT_BYTES`, or a row each: what follows copies them often."""
    if batch.num_rows > 1 and sum(map(_text_bytes, batch.columns)) > MAX_BATCH_TEXT_BYTES:
        half = batch.num_rows // 2
        yield from pieces(batch.slice(0, half))
        yield from pieces(batch.slice(half))
    else:
        yield batch


def _text_bytes(column: pa.Array) -> int:
    """Those of each row, also if a dictionary holds them once."""
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    if not is_text(values.type):
        return 0
    lengths = pc.binary_length(values)
    return pc.sum(lengths.take(column.indices) if values is not column else lengths).as_py() or 0


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Casts each column to the schema's type; NaN becomes null.

    Raises:
        BadData: naming the column whose type or value does not fit. No value is changed, but for rounding to float32.
    """
    check_types(batch.schema, schema)
    arrays = []
    for field in schema:
        column = batch.column(field.name)
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        try:
            _check_lengths(values)
            if len(values) > len(column):  # a dictionary of many batches: looked at whole for each, it would take minutes
                column = column.dictionary_decode()
            arrays.append(_as_text(column) if field.type == pa.string() else _as_number(column, field.type))
        except (pa.ArrowException, BadData) as error:
            raise BadData(f"column {field.name} ({values.type}): {shown(str(error))}. Expected {field.type}.") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _check_lengths(values: pa.Array) -> None:
    """Before anything else is done with them."""
    if is_text(values.type) and (longest := pc.max(pc.binary_length(values)).as_py() or 0) > MAX_TEXT_BYTES:
        raise BadData(f"a value of {longest:,} bytes; at most {MAX_TEXT_BYTES:,} are read")


def _as_text(column: pa.Array) -> pa.Array:
    """Looks at each distinct value once."""
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = column.dictionary.cast(pa.string())
    values.validate(full=True)  # neither Parquet nor a cast from string finds invalid UTF-8
    if strange := values.filter(pc.match_substring_regex(values, CONTROL)):
        raise BadData(f"a value with a control character, {shown(repr(strange[0].as_py()))}")
    return values.take(column.indices)


def _as_number(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return _as_number(column.dictionary, type_).take(column.indices)
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
    if lost := column.filter(pc.and_not(pc.is_inf(rounded), infinite)).drop_null():
        raise BadData(f"the value {lost[0]} is too large")
    return rounded
