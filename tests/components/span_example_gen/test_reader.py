"""What a column may hold that is left unread, and which rows count as equal."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from components.shared.errors import BadData
from components.span_example_gen import csv_file, data_file, limits, reader

COLUMNS, DATE = {"country": "string", "items": "int64", "weight": "float32"}, "date"
ROWS = pd.DataFrame(
    {
        DATE: pd.to_datetime(["2013-02-01", "2013-02-02", "2013-02-03"]).date,
        "country": ["UA", "AA", None],
        "items": pd.array([2, 4, 1], dtype="Int64"),
        "weight": [30.5, None, 28.0],
    }
)


def write(rows: pd.DataFrame, path):
    """As the format that the path's suffix names."""
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)
    return path


def read_here(path, ignored=()) -> list[pa.RecordBatch]:
    """What the process that reads does, in this one, whose limits a test can change."""
    return list(data_file.read(path, data_file.schema_of(COLUMNS, DATE), ignored, []))


def hashes(path) -> np.ndarray:
    return np.concatenate([reader.row_hashes(batch) for batch in reader.read(path, COLUMNS, DATE)])


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_column_that_is_left_unread_may_hold_anything(tmp_path, monkeypatch, suffix):
    """Also another kind of value behind the first block, from which Arrow would have inferred a type."""
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 200)
    rows = pd.concat([ROWS] * 40, ignore_index=True).assign(note=["1"] * 100 + ["sad"] * 20)
    path = write(rows, tmp_path / f"parcels{suffix}")
    read = read_here(path, ["note"])
    assert sum(batch.num_rows for batch in read) == 120
    assert read[0].schema.names == [*COLUMNS, DATE]


def test_a_declared_column_is_read_though_it_is_listed(tmp_path):
    [batch] = reader.read(write(ROWS, tmp_path / "parcels.csv"), COLUMNS, DATE, ["items"])
    assert batch.column("items").to_pylist() == [2, 4, 1]


def test_the_index_that_pandas_writes_is_unknown_as_any_other_column(tmp_path):
    ROWS.set_index(pd.Index([3, 5, 8])).to_parquet(tmp_path / "parcels.parquet")
    with pytest.raises(BadData, match=r"parcels\.parquet: column __index_level_0__ is not declared"):
        list(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))


def test_a_row_has_one_hash_in_either_format_and_beside_any_other_row(tmp_path):
    """A missing integer must not change the hashes of the rows around it."""
    whole = hashes(write(ROWS, tmp_path / "whole.parquet"))
    assert len(np.unique(whole)) == 3
    np.testing.assert_array_equal(hashes(write(ROWS, tmp_path / "whole.csv")), whole)
    gap = ROWS.assign(items=pd.array([2, 4, None], dtype="Int64"))
    np.testing.assert_array_equal(hashes(write(gap, tmp_path / "gap.parquet")) == whole, [True, True, False])


@pytest.mark.parametrize(
    "change", [{"country": "DL"}, {"items": 3}, {"weight": 1.0}, {"date": pd.Timestamp("2013-02-09").date()}]
)
def test_rows_that_differ_in_one_column_have_other_hashes(tmp_path, change):
    changed = hashes(write(ROWS.assign(**change), tmp_path / "changed.parquet"))
    assert not np.isin(changed, hashes(write(ROWS, tmp_path / "whole.parquet"))).any()


def test_a_date_is_compared_as_a_day_though_its_month_is_called_alike():
    """Arrow calls the month of a day in 67549 "2013-02", since it keeps years in 16 bits."""
    days = pa.array([15_737, 15_764, 15_737 + 23_936_550], pa.int32()).cast(pa.date32())
    batch = pa.record_batch({DATE: days})
    reader.check_dates(batch.slice(0, 2), DATE, "2013-02")
    with pytest.raises(BadData, match=r"1 rows have a date outside their span 2013-02, such as <value out of range: 23952287>"):
        reader.check_dates(batch, DATE, "2013-02")


def test_rounding_to_float32_is_all_that_happens_to_a_number(tmp_path):
    path = write(ROWS.assign(weight=[0.1, 16_777_217.0, None]), tmp_path / "parcels.parquet")
    [batch] = reader.read(path, COLUMNS, DATE)
    assert batch.column("weight").to_pylist() == [np.float32(0.1), 16_777_216.0, None]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_more_rows_than_a_file_may_have(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(limits, "MAX_ROWS", 2)
    with pytest.raises(BadData, match=r"parcels\.\w+: (more than 2|3) rows; expected at most .*Write several files"):
        read_here(write(ROWS, tmp_path / f"parcels{suffix}"))


def test_many_row_groups_and_pages_are_walked_to_their_end(tmp_path):
    rows = pd.concat([ROWS] * 500, ignore_index=True)
    rows.to_parquet(tmp_path / "parcels.parquet", index=False, row_group_size=100, data_page_size=64, write_batch_size=10)
    read = pa.Table.from_batches(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))
    assert read["items"].to_pylist() == [2, 4, 1] * 500
    assert read["country"].to_pylist() == ["UA", "AA", None] * 500


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_what_writers_vary_is_read_alike(tmp_path, version, compression, dictionary):
    rows = pd.concat([ROWS] * 50, ignore_index=True)
    options = {"data_page_version": version, "compression": compression, "use_dictionary": dictionary}
    rows.to_parquet(tmp_path / "parcels.parquet", index=False, row_group_size=40, **options)
    read = pa.Table.from_batches(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))
    assert read["country"].to_pylist() == ["UA", "AA", None] * 50
    assert read["weight"].to_pylist() == [30.5, None, 28.0] * 50


def test_row_groups_without_rows_are_read_as_pyarrow_writes_them(tmp_path):
    """Of their columns it says that they lie at byte 0."""
    table = pa.Table.from_pandas(ROWS, preserve_index=False)
    with pa.parquet.ParquetWriter(tmp_path / "parcels.parquet", table.schema) as writer:
        for part in (table.slice(0, 0), table.slice(0, 2), table.slice(0, 0), table.slice(2)):
            writer.write_table(part)
    read = pa.Table.from_batches(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))
    assert read["items"].to_pylist() == [2, 4, 1]


def test_long_texts_are_read_a_few_rows_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BATCH_TEXT_BYTES", 1_000)
    rows = pd.concat([ROWS] * 20, ignore_index=True).assign(country=["A" * 100, "B" * 200, None] * 20)
    for change in ("object", "category"):
        path = write(rows.astype({"country": change}), tmp_path / f"{change}.parquet")
        read = read_here(path)
        assert max(sum(map(len, batch["country"].drop_null().to_pylist())) for batch in read) <= 1_000
        table = pa.Table.from_batches(read)
        assert table["country"].to_pylist() == rows.country.tolist()
        assert table["items"].to_pylist() == [2, 4, 1] * 20


def test_a_category_whose_row_groups_have_fewer_rows_than_it_has_values(tmp_path):
    """Arrow writes all of the values into each row group."""
    rows = pd.concat([ROWS] * 20, ignore_index=True).assign(country=[f"C{number}" for number in range(60)])
    rows.astype({"country": "category"}).to_parquet(tmp_path / "parcels.parquet", index=False, row_group_size=50)
    read = pa.Table.from_batches(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))
    assert read["country"].to_pylist() == rows.country.tolist()


def test_a_dictionary_with_more_values_than_a_batch_has_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(data_file, "BATCH_ROWS", 7)
    rows = pd.concat([ROWS] * 20, ignore_index=True).assign(country=[f"C{number}" for number in range(60)])
    rows.loc[::5, "country"] = None
    path = write(rows.astype({"country": "category", DATE: "category"}), tmp_path / "parcels.parquet")
    read = pa.Table.from_batches(read_here(path))
    assert read["country"].to_pylist() == rows.country.where(rows.country.notna(), None).tolist()
    assert read[DATE].to_pylist() == rows[DATE].tolist()


def test_a_wide_file_is_read_a_few_rows_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BATCH_VALUES", 5 * len(ROWS.columns))
    read = read_here(write(pd.concat([ROWS] * 20, ignore_index=True), tmp_path / "parcels.parquet"))
    assert [batch.num_rows for batch in read] == [5] * 12


def test_a_hash_keeps_copies_together_but_parts_what_is_often_the_same():
    rows = pa.RecordBatch.from_pydict({"shop": ["a"] * 3 + ["b"] * 8 + ["c"] * 1000 + ["d"] * 1000})
    parts = reader.split_by_hash(rows, 0.25)
    counts = {name: Counter(part["shop"].to_pylist()) for name, part in parts.items()}
    for shop in "ab":
        assert not all(shop in split for split in counts.values()), "equal rows are in one split"
    for shop in "cd":
        assert counts["eval"][shop] == pytest.approx(250, abs=2)
