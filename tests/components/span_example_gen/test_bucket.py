"""Spans in a bucket that a folder of this machine emulates: Beam's own file systems are asked, under a scheme of ours."""

import re
from pathlib import Path

import pandas as pd
import pytest
from apache_beam.io.filesystem import FileMetadata, FileSystem, MatchResult
from apache_beam.io.localfilesystem import LocalFileSystem

from components.shared import spans
from components.shared.errors import BadData, SpanNotFound
from components.shared.units import Unit
from components.span_example_gen import bucket, whole
from components.span_example_gen.executor import asked_for
from tests.components.span_example_gen.ingested import ingest, parse

SCHEME = "emulated"


class EmulatedBucket(LocalFileSystem):
    """emulated://a/b is the file a/b below `root`. Beam finds it by its scheme."""

    root = Path("/nowhere")

    @classmethod
    def scheme(cls):
        return SCHEME

    def match(self, patterns, limits=None):
        names = [f"{SCHEME}://{path.relative_to(self.root)}" for path in self.root.rglob("*") if path.is_file()]
        expressions = [re.compile(self.translate_pattern(pattern)) for pattern in patterns]
        found = [[FileMetadata(name, 1) for name in names if each.match(name)] for each in expressions]
        return [MatchResult(pattern, metadata) for pattern, metadata in zip(patterns, found, strict=True)]

    def open(self, path, *arguments, **options):
        return super().open(str(self.root / path.removeprefix(f"{SCHEME}://")), *arguments, **options)


assert SCHEME in [system.scheme() for system in FileSystem.get_all_subclasses()]


@pytest.fixture
def spans_in_a_bucket(months, monkeypatch) -> str:
    monkeypatch.setattr(EmulatedBucket, "root", months.parent)
    return f"{SCHEME}://{months.name}"


def test_the_listing_of_an_emulated_bucket_has_the_files_of_each_span(spans_in_a_bucket):
    found = bucket.listing(spans_in_a_bucket, Unit.MONTH)
    assert sorted(found) == ["2024-01", "2024-02", "2024-03"]
    assert found["2024-03"] == [f"{spans_in_a_bucket}/2024-03/parcels.parquet"]


def test_what_lies_beside_the_data_in_an_emulated_bucket_is_refused_in_the_window_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(EmulatedBucket, "root", tmp_path)
    for name in ("a.csv", "_SUCCESS", "_old.csv", ".a.csv", "_temporary/0/part.csv"):
        for span in ("2024-01", "2024-02"):
            path = tmp_path / "spans" / span / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    for name in ("part2/b.csv", "part2/c.csv", "d.csv.gz"):
        path = tmp_path / "spans" / "2024-02" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    folder = f"{SCHEME}://spans"
    found = bucket.listing(f"{folder}/", Unit.MONTH)
    assert spans.chosen(found, ["2024-01"], folder) == {"2024-01": [f"{folder}/2024-01/a.csv"]}
    with pytest.raises(BadData, match=rf"{folder}/2024-02 also holds d\.csv\.gz, part2\. Expected files ending in"):
        spans.chosen(found, ["2024-01", "2024-02"], folder)


def test_the_same_rows_come_from_an_emulated_bucket(spans_in_a_bucket, months, tmp_path):
    remote = ingest(spans_in_a_bucket, tmp_path / "remote", span="newest")
    local = ingest(months, tmp_path / "local", span="2024-03")
    assert remote.get_string_custom_property("span") == "2024-03"
    assert remote.get_string_custom_property("rows") == local.get_string_custom_property("rows")
    for split in ("train", "eval"):
        pd.testing.assert_frame_equal(parse(remote, split), parse(local, split))


def test_csv_in_an_emulated_bucket_is_read_and_its_columns_are_named(months, tmp_path, monkeypatch):
    monkeypatch.setattr(EmulatedBucket, "root", tmp_path)
    for span in ("2024-01", "2024-02"):
        (tmp_path / "spans" / span).mkdir(parents=True)
        rows = pd.read_parquet(months / span).astype({"price": object})
        rows.loc[rows.index[5], "price"] = "warm" if span == "2024-02" else 50.0
        rows.to_csv(tmp_path / "spans" / span / "parcels.csv", index=False)
    with pytest.raises(BadData, match=f"{SCHEME}://spans/2024-02/parcels.csv, line 7: column price"):
        ingest(f"{SCHEME}://spans", tmp_path / "out")


def test_an_emulated_bucket_without_spans_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(EmulatedBucket, "root", tmp_path)
    with pytest.raises(SpanNotFound, match="No spans in emulated://spans; expected folders named YYYY-MM"):
        bucket.listing("emulated://spans", Unit.MONTH)


@pytest.mark.parametrize("log", ["2024-01/_delta_log/0.json", "_delta_log/0.json", "metadata/v1.metadata.json"])
def test_a_table_of_another_engine_in_an_emulated_bucket_is_refused(tmp_path, monkeypatch, log):
    monkeypatch.setattr(EmulatedBucket, "root", tmp_path)
    for name in ("2024-01/part-0.parquet", log):
        (tmp_path / "spans" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "spans" / name).touch()
    with pytest.raises(BadData, match=r"it is an? (Delta|Iceberg) table"):
        spans.chosen(bucket.listing(f"{SCHEME}://spans", Unit.MONTH), ["2024-01"], f"{SCHEME}://spans")


@pytest.mark.parametrize("place", [f"{SCHEME}://spans", "{root}/spans"], ids=["an emulated bucket", "a folder"])
def test_the_newest_month_is_the_newest_that_is_whole(tmp_path, monkeypatch, place):
    monkeypatch.setattr(EmulatedBucket, "root", tmp_path)
    this = f"{whole.now():%Y-%m}"
    asked = {"spans_folder": place.format(root=tmp_path), "unit": "month", "span": spans.NEWEST, "complete_after_days": 3}

    def newest() -> str:
        return asked_for(asked, bucket.listing(asked["spans_folder"], Unit.MONTH))

    (tmp_path / "spans" / this).mkdir(parents=True)
    (tmp_path / "spans" / this / "01.csv").touch()
    with pytest.raises(SpanNotFound, match=f"No month in .*spans is whole: there is {this}. Expected a file of a later month"):
        newest()
    (tmp_path / "spans" / "2024-05").mkdir()
    (tmp_path / "spans" / "2024-05" / "a.csv").touch()
    assert newest() == "2024-05"
    (tmp_path / "spans" / this / "_SUCCESS").touch()
    assert newest() == this
