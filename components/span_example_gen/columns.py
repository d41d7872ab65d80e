"""Check that the columns of a file are the declared ones: their names, their types, their values."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from components.shared import values
from components.shared.errors import BadData, listed, shown
from components.shared.units import Unit
from components.span_example_gen import limits

CONTROL = r"[\x00-\x1f\x7f\x{fffe}\x{ffff}]"  # the last two are not characters, and as little allowed in XML as the others
ARROW_TYPES = {"string": pa.string(), "float32": pa.float32(), "int64": pa.int64()}
BLOCK_TYPES = {Unit.DAY: pa.date32(), Unit.HOUR: pa.timestamp("s")}  # of a date, by the `Unit.block` that it has to tell
Batches: TypeAlias = Iterator[pa.RecordBatch]
Cast: TypeAlias = Callable[[pa.Array, pa.DataType], pa.Array]


def _is_number(type_: pa.DataType) -> bool:
    types = pa.types
    return any(test(type_) for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal))


def _is_time(type_: pa.DataType) -> bool:
    """Tell whether a type is a time. A timestamp with a zone is not: its day depends on the place."""
    return (pa.types.is_timestamp(type_) and type_.tz is None) or values.is_text(type_)


READABLE: dict[pa.DataType, Callable[[pa.DataType], bool]] = {
    pa.string(): lambda type_: values.is_text(type_) or pa.types.is_integer(type_),
    pa.float32(): _is_number,
    pa.int64(): _is_number,
    BLOCK_TYPES[Unit.DAY]: lambda type_: pa.types.is_date(type_) or _is_time(type_),
    BLOCK_TYPES[Unit.HOUR]: _is_time,
}


def require(schema: pa.Schema, present: list[str], ignored: Collection[str]) -> None:
    """Raise BadData unless each column of `schema` is there once, and no other one that is not `ignored`."""
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
    """Raise BadData unless each column of `schema` can be read from the one that was found."""
    for field in schema:
        type_ = found.field(field.name).type
        of_values = type_.value_type if pa.types.is_dictionary(type_) else type_
        if not (pa.types.is_null(of_values) or READABLE[field.type](of_values)):
            raise BadData(f"column {field.name} is {shown(str(type_))}; expected {field.type}. Write it as that type.")


def pieces(batch: pa.RecordBatch) -> Batches:
    """Yield slices whose texts have at most `MAX_BATCH_TEXT_BYTES`, or one row: the next steps copy them often."""
    if batch.num_rows > 1 and sum(map(_text_bytes, batch.columns)) > limits.MAX_BATCH_TEXT_BYTES:
        half = batch.num_rows // 2
        yield from pieces(batch.slice(0, half))
        yield from pieces(batch.slice(half))
    else:
        yield batch


def _distinct(column: pa.Array) -> pa.Array:
    """Return the values of a dictionary, or those of the rows."""
    return column.dictionary if pa.types.is_dictionary(column.type) else column


def _text_bytes(column: pa.Array) -> int:
    """Return the bytes of each row's text, also if a dictionary holds it once."""
    texts = _distinct(column)
    if not values.is_text(texts.type):
        return 0
    lengths = pc.binary_length(texts)
    return pc.sum(lengths.take(column.indices) if texts is not column else lengths).as_py() or 0


def converted(path: Path, batches: Batches, convert: Callable[[pa.RecordBatch], pa.RecordBatch], where: Callable) -> Batches:
    """Yield the batches of a file's rows, converted; both may raise Unfit. `where` says in words where a row is, from 0.

    Raises:
        BadData: naming the file, and the place where that is known.
    """
    rows = 0
    try:
        for batch in batches:
            yield convert(batch)
            rows += batch.num_rows
    except values.Unfit as error:
        raise BadData(f"{path}, {where(rows + error.row)}: {error}.") from error
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    except MemoryError:
        raise
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise BadData(
            f"{path} cannot be read: {shown(str(error))}. "
            "Expected a whole Parquet or CSV file, in UTF-8, whose values have the declared types."
        ) from error


def checked_cast(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Cast as `values.cast`. Raises Unfit also for a text that is too long, or would break what shows it."""
    _check_lengths(column)
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
        column = column.dictionary_decode()  # of many batches: checked whole for each, it would take minutes
    if type_ != pa.string() or not values.is_text(_distinct(column).type):
        return values.cast(column, type_)
    column = column.dictionary_encode()  # each distinct value is checked once
    array = values.cast(column, type_)
    _check_characters(column)
    return array


def conform(batch: pa.RecordBatch, schema: pa.Schema, cast: Cast = checked_cast) -> pa.RecordBatch:
    """Cast each column to the schema's type. Raises Unfit, naming the column."""
    arrays = []
    for field in schema:
        try:
            arrays.append(cast(batch.column(field.name), field.type))
        except values.Unfit as error:
            raise values.Unfit(error.row, f"column {field.name} is {shown(str(error))}") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _check_lengths(column: pa.Array) -> None:
    """Check lengths before anything else is done with the texts."""
    texts = _distinct(column)
    if values.is_text(texts.type) and (longest := pc.max(pc.binary_length(texts)).as_py() or 0) > limits.MAX_TEXT_BYTES:
        place = pc.index(pc.binary_length(texts), longest).as_py()
        row = pc.index(column.indices, place).as_py() if texts is not column else place
        raise values.Unfit(max(row, 0), f"a text of {longest:,} bytes; expected at most {limits.MAX_TEXT_BYTES:,}")


def _check_characters(column: pa.DictionaryArray) -> None:
    texts = column.dictionary.cast(pa.string())
    for place in pc.indices_nonzero(pc.match_substring_regex(texts, CONTROL)).to_pylist():
        if (row := pc.index(column.indices, place).as_py()) >= 0:
            raise values.Unfit(row, f"{shown(repr(texts[place].as_py()))}, with a control character; expected a text")
