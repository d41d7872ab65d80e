"""Random tables and random bytes: what the reader yields is what was written, or a CrosswindError says why not."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from components.shared.errors import CrosswindError
from components.span_example_gen import reader
from tests import neutral

COLUMNS, DATE = {"country": "string", "items": "int64", "weight": "float32"}, "date"
FEW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXTS = st.text(max_size=20) | st.sampled_from(["UA", "NA", "", "nan", '"', "a,b", "\0", "ﬀ", "A" * 2000])
VALUES = {
    pa.string(): TEXTS,
    pa.binary(): st.binary(max_size=20),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int8(): st.integers(-128, 127),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.float16(): st.floats(width=16).map(np.float16),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("ns", tz="UTC"): st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)),
    pa.decimal128(20, 4): st.decimals(-(10**15), 10**15, places=4, allow_nan=False),
    pa.decimal256(76, 4): st.decimals(-(10**70), 10**70, places=4, allow_nan=False),
    pa.list_(pa.int64()): st.lists(st.integers(-5, 5), max_size=3),
    pa.dictionary(pa.int32(), pa.string()): TEXTS,
    pa.null(): st.none(),
}


WHOLE = {pa.float64(): st.integers(-(2**53), 2**53).map(float), pa.decimal128(20, 4): st.integers(-(10**9), 10**9).map(Decimal)}
DAYS = (pa.date32(), pa.timestamp("us"), pa.timestamp("ns", tz="UTC"), pa.null())


@st.composite
def column(draw, types) -> pa.Array:
    type_ = draw(st.sampled_from(types))
    values = draw(st.sampled_from([VALUES[type_], WHOLE.get(type_, VALUES[type_])]))
    return pa.array(draw(st.lists(st.none() | values, min_size=2, max_size=2)), type_)


def same(written: object, found: object, dtype: str) -> bool:
    """Whether a value arrived, as the one and only change to float32."""
    if written is None or (isinstance(written, float | np.floating) and np.isnan(written)):
        return found is None
    if dtype == "date":
        day = written.date() if isinstance(written, datetime.datetime) else written
        return str(day) == str(found)
    if dtype == "string":
        text = written.decode() if isinstance(written, bytes) else str(written)
        return found == (text or None)
    return found == (np.float32(float(written)) if dtype == "float32" else int(written)) and (
        dtype == "float32" or written == found
    )


@FEW
@given(column(list(VALUES)), column(DAYS), st.sampled_from(["string", "int64", "float32"]))
def test_a_random_column_is_read_as_it_was_written_or_refused(tmp_path, values, days, dtype):
    path = tmp_path / "parcels.parquet"
    pa.parquet.write_table(pa.table({"value": values, DATE: days}), path)
    try:
        [read] = reader.read(path, {"value": dtype}, DATE)
    except CrosswindError as error:
        assert str(path) in str(error)
        assert str(error).isprintable()
        return
    event(f"{values.type} read as {dtype}")
    assert all(map(same, values.to_pylist(), read["value"].to_pylist(), [dtype] * 2)), (values, read["value"])
    assert all(map(same, days.to_pylist(), read[DATE].to_pylist(), ["date"] * 2)), (days, read[DATE])


@FEW
@given(st.lists(st.text(max_size=8) | st.sampled_from([*COLUMNS, DATE]), max_size=6))
def test_columns_of_random_names_are_refused(tmp_path, names):
    path = tmp_path / "parcels.parquet"
    pa.parquet.write_table(pa.Table.from_arrays([pa.array(["1"])] * len(names), names=names), path)
    with pytest.raises(CrosswindError) as error:
        list(reader.read(path, COLUMNS, DATE))
    assert str(error.value).isprintable()


CELLS = {
    "country": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(lambda text: text.replace('"', "'")),
    "items": st.integers(-(2**70), 2**70) | st.floats(),
    "weight": st.floats() | st.integers(-(2**70), 2**70),
}
Rows = list[tuple[str, float, float]]


@FEW
@given(st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_a_random_csv_is_read_as_it_was_written_or_refused(tmp_path, rows: Rows, end):
    path = tmp_path / "parcels.csv"
    lines = ["country,items,weight,date", *(f'"{text}",{items!r},{weight!r},2013-02-01' for text, items, weight in rows)]
    path.write_text(end.join(lines) + end, encoding="utf-8", newline="")
    try:
        read = pa.Table.from_batches(reader.read(path, COLUMNS, DATE)).to_pylist()
    except CrosswindError as error:
        assert str(path) in str(error)
        assert str(error).isprintable()
        return
    assert len(read) == len(rows)
    for (text, items, weight), found in zip(rows, read, strict=True):
        assert found["country"] == (text or None)
        assert same(items, found["items"], "int64")
        assert same(weight, found["weight"], "float32")


@FEW
@given(st.binary(max_size=300), st.sampled_from([".parquet", ".csv"]), st.booleans())
def test_random_bytes_are_refused(tmp_path, content, suffix, framed):
    path = tmp_path / f"parcels{suffix}"
    path.write_bytes(b"PAR1" + content + len(content).to_bytes(4, "little") + b"PAR1" if framed else content)
    with pytest.raises(CrosswindError, match=str(path)):
        list(reader.read(path, COLUMNS, DATE))


@pytest.fixture(scope="module")
def good() -> bytes:
    made = neutral.rows(("2024-02",), 50)[["country", "items", "weight", neutral.DATE]].rename(columns={neutral.DATE: DATE})
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.Table.from_pandas(made, preserve_index=False).replace_schema_metadata(), sink)
    return sink.getvalue().to_pybytes()


@FEW
@given(st.data())
def test_a_damaged_byte_changes_a_value_or_is_refused_but_breaks_nothing(tmp_path, good, data):
    """Without checksums a changed byte may be a changed value; it must be one that the declared type has."""
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "parcels.parquet"
    path.write_bytes(bytes(damaged))
    try:
        for batch in reader.read(path, COLUMNS, DATE):
            assert batch.schema.names == [*COLUMNS, DATE]
            batch.validate(full=True)
    except CrosswindError as error:
        assert str(path) in str(error)
