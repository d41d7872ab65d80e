import os

import pytest

from components.shared import spans
from components.shared.errors import BadData, SpanNotFound
from components.shared.units import Unit


def test_no_spans(tmp_path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(SpanNotFound, match=r"No spans in .*expected folders named YYYY-MM.*make data.*put a folder") as error:
        spans.available(tmp_path, Unit.MONTH)
    assert "It holds" not in str(error.value)


def test_spans_of_another_unit_are_named_with_the_setting(tmp_path):
    (tmp_path / "2013-W05").mkdir()
    with pytest.raises(SpanNotFound, match=r"It holds 2013-W05: if spans are weeks, set data.unit to week\."):
        spans.available(tmp_path, Unit.MONTH)
    assert spans.available(tmp_path, Unit.WEEK) == ["2013-W05"]


def test_as_many_spans_as_are_allowed_may_be_absent_or_empty_but_not_the_newest():
    window = Unit.DAY.window("2024-03-05", 5)
    present = {day: [f"s3://bucket/{day}/rows.csv"] for day in window if day != "2024-03-03"} | {"2024-03-02": []}
    found = spans.chosen(present, window, "s3://bucket", 2)
    assert list(found) == ["2024-03-01", "2024-03-04", "2024-03-05"]
    with pytest.raises(SpanNotFound, match=r"Span 2024-03-03 is not in .*of which 1 may be absent \(data.max_gaps\)"):
        spans.chosen(present, window, "s3://bucket", 1)
    with pytest.raises(SpanNotFound, match=r"Span 2024-03-06 is not in"):
        spans.chosen(present, Unit.DAY.window("2024-03-06", 3), "s3://bucket", 2)


def test_missing_month_is_named(parcels):
    with pytest.raises(SpanNotFound, match=r"Span 2024-05, 2024-06 is not in .*There are 2024-01, 2024-02, 2024-03"):
        spans.files(parcels / "spans", ["2024-03", "2024-05", "2024-06"])


def test_span_without_files(tmp_path):
    (tmp_path / "2013-01").mkdir()
    with pytest.raises(SpanNotFound, match=r"2013-01 holds no data; expected files ending in .parquet or .csv"):
        spans.files(tmp_path, ["2013-01"])


@pytest.mark.parametrize("name", ["b.csv.gz", "c.parquet.gz", "e.parq", "notes", "part2/d.parquet"])
def test_what_a_month_holds_beside_its_data_is_refused_and_not_left_out(tmp_path, name):
    for month in ("2013-01", "2013-02"):
        (tmp_path / month).mkdir()
        (tmp_path / month / "a.parquet").touch()
    path = tmp_path / "2013-02" / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    found = name.partition("/")[0]
    with pytest.raises(
        BadData, match=f"2013-02 also holds {found}. Expected files ending in .parquet or .csv.*remove the rest"
    ):
        spans.files(tmp_path, ["2013-01", "2013-02"])
    assert spans.available(tmp_path, Unit.MONTH) == ["2013-01", "2013-02"]
    assert spans.files(tmp_path, ["2013-01"]) == {"2013-01": [tmp_path / "2013-01" / "a.parquet"]}


def test_what_spark_writes_beside_its_data_is_left_out(tmp_path):
    (tmp_path / "2013-01" / "_temporary").mkdir(parents=True)
    for name in ("part-0.parquet", "_SUCCESS", ".part-0.parquet.crc", ".part-1.parquet", "_old.csv"):
        (tmp_path / "2013-01" / name).touch()
    assert spans.files(tmp_path, ["2013-01"]) == {"2013-01": [tmp_path / "2013-01" / "part-0.parquet"]}


def test_the_files_of_a_span_sort_as_they_were_read(tmp_path):
    folder = tmp_path / "Split-train"
    folder.mkdir()
    parts = [
        spans.part(spans.shard(span, index), number)
        for span, index, number in [
            ("2013-01", 0, 0),
            ("2013-01", 0, 1),
            ("2013-01", 0, 10),
            ("2013-01", 1, 0),
            ("2013-02", 0, 0),
        ]
    ]
    for name in reversed(parts):
        (folder / name).touch()
    assert spans.shards(str(tmp_path), "2013-01") == [str(folder / name) for name in parts[:-1]]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_folder_that_this_user_may_not_read_is_named(parcels):
    os.seteuid(65534)  # nobody: pytest's folders are their owner's
    try:
        with pytest.raises(BadData, match=r"cannot be read: Permission denied. Expected that this user may; change its mode"):
            spans.files(parcels / "spans", ["2024-01"])
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("log", "table"),
    [
        ("_delta_log/00000000000000000000.json", "a Delta table"),
        (".hoodie/hoodie.properties", "a Hudi table"),
        (".hoodie_partition_metadata", "a Hudi table"),
        ("metadata/v1.metadata.json", "an Iceberg table"),
    ],
)
def test_a_table_of_another_engine_is_refused_by_name(tmp_path, log, table):
    """Most of its files are superseded: read as files, its rows come several times."""
    for month in ("2013-01", "2013-02"):
        (tmp_path / month).mkdir()
        (tmp_path / month / "part-0.parquet").touch()
    path = tmp_path / "2013-02" / log
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(BadData, match=rf"2013-02 holds {log.partition('/')[0]}: it is {table}.*Export its rows"):
        spans.files(tmp_path, ["2013-01", "2013-02"])
    assert spans.files(tmp_path, ["2013-01"]) == {"2013-01": [tmp_path / "2013-01" / "part-0.parquet"]}


@pytest.mark.parametrize(
    "log", ["_delta_log/00000000000000000000.json", ".hoodie/hoodie.properties", "metadata/v1.metadata.json"]
)
def test_a_table_of_another_engine_is_refused_where_the_spans_should_be(tmp_path, log):
    for path in ("2013-01/a.parquet", log):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    with pytest.raises(BadData, match=rf"{tmp_path} holds .*: it is an? (Delta|Hudi|Iceberg) table"):
        spans.available(tmp_path, Unit.MONTH)


def test_a_folder_called_metadata_beside_the_spans_is_no_table(tmp_path):
    for path in ("2013-01/a.csv", "metadata/columns.md"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    assert spans.available(tmp_path, Unit.MONTH) == ["2013-01"]
