import json
import os

import pytest

from components.shared import spans
from components.shared.errors import BadData, SpanNotFound
from components.shared.files import sha256
from components.shared.units import Unit
from components.span_example_gen import content
from components.span_example_gen.component import Driver

WITHOUT_GAPS = {"unit": "month", "max_gaps": 0}


@pytest.fixture
def folder(tmp_path):
    """Two months of one file each."""
    for month in ("2013-01", "2013-02"):
        (tmp_path / month).mkdir()
        (tmp_path / month / "a.csv").write_text("x\n1\n")
    return tmp_path


def rewrite(path, text: str) -> None:
    """As a copy that keeps the times does."""
    status = path.stat()
    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_that_is_written_again_with_the_same_size_and_time_changes_the_cache_key(folder):
    def key(span: str) -> str:
        return Driver(None).outside({"spans_folder": str(folder), "span": span, "window": 1, **WITHOUT_GAPS})

    before = key("2013-01")
    rewrite(folder / "2013-02" / "a.csv", "x\n2\n")
    assert key("2013-01") == before, "another month's"
    rewrite(folder / "2013-01" / "a.csv", "x\n2\n")
    assert key("2013-01") != before
    rewrite(folder / "2013-01" / "a.csv", "x\n1\n")
    (folder / "2013-01" / "_SUCCESS").touch()
    assert key("2013-01") == before
    (folder / "2013-01" / "a.csv").rename(folder / "2013-01" / "b.csv")
    assert key("2013-01") != before, "the order of the files is that of the rows"


def test_totals_follow_what_is_in_the_files_and_not_their_names(folder):
    def totals() -> dict[str, str]:
        return content.totals(content.read(folder, ["2013-01"]))

    before = totals()
    (folder / "2013-01" / "a.csv").rename(folder / "2013-01" / "part-7.csv")
    assert totals() == before
    (folder / "2013-01" / "b.csv").write_text("x\n1\n")
    assert totals() != before, "the same rows twice"


@pytest.mark.parametrize("change", [lambda path: rewrite(path, "x\n2\n"), lambda path: path.with_name("b.csv").touch()])
def test_what_changes_meanwhile_is_named(folder, change):
    before = content.read(folder, ["2013-01", "2013-02"])
    content.check_unchanged(folder, before)
    change(folder / "2013-02" / "a.csv")
    with pytest.raises(BadData, match=r"2013-02: [ab]\.csv changed while the run read it.*Run again"):
        content.check_unchanged(folder, before)


def test_a_month_that_is_not_there(folder):
    with pytest.raises(SpanNotFound, match="Span 2013-03 is not in"):
        content.read(folder, Unit.MONTH.window("2013-03", 2))


def test_what_the_driver_says_is_as_long_as_the_window(folder):
    said = Driver(None).outside({"spans_folder": str(folder), "span": "2013-02", "window": 2, **WITHOUT_GAPS})
    assert {span: list(files) for span, files in json.loads(said).items()} == {"2013-01": ["a.csv"], "2013-02": ["a.csv"]}


@pytest.fixture
def remembered(folder, monkeypatch):
    """The totals of both months by memory, and the names of the files that were read for it. Files settle at once."""
    monkeypatch.setattr(content, "SETTLED", -(10**12))
    read: list[str] = []
    monkeypatch.setattr(content, "sha256", lambda path: read.append(path.name) or sha256(path))

    def remembered() -> tuple[dict[str, str], list[str]]:
        read.clear()
        return content.remembered(spans.listing(folder, Unit.MONTH), folder / "content.json"), sorted(read)

    return remembered


def test_a_file_that_was_not_touched_is_not_read_again_and_one_that_was_is(folder, remembered):
    totals = content.totals(content.read(folder, ["2013-01", "2013-02"]))
    assert remembered() == (totals, ["a.csv", "a.csv"])
    assert remembered() == (totals, [])
    rewrite(folder / "2013-01" / "a.csv", "x\n2\n")
    changed, read = remembered()
    assert read == ["a.csv"]
    assert [changed[month] == totals[month] for month in ("2013-01", "2013-02")] == [False, True]
    (folder / "2013-02" / "a.csv").touch()
    assert remembered() == (changed, ["a.csv"]), "another time, the same content"


def test_a_file_that_was_written_a_moment_ago_is_read_again(folder, remembered, monkeypatch):
    monkeypatch.setattr(content, "SETTLED", 10**12)
    assert remembered()[1] == remembered()[1] == ["a.csv", "a.csv"]


@pytest.mark.parametrize("damaged", ["", "[1", '{"a": 3}'])
def test_a_damaged_memory_is_none(folder, remembered, damaged):
    (folder / "content.json").write_text(damaged)
    assert remembered()[1] == ["a.csv", "a.csv"]
    assert remembered()[1] == []


def test_what_cannot_be_read_has_no_total_and_hinders_no_other(folder, remembered):
    (folder / "2013-01" / "b.csv").symlink_to(folder / "gone.csv")
    os.mkfifo(folder / "2013-02" / "c.csv")
    (folder / "2013-02" / "d.csv").mkdir()
    totals, read = remembered()
    assert (list(totals), read) == (["2013-02"], ["a.csv", "a.csv"])
