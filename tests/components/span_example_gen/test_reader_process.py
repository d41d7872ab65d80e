"""What costs the process that reads its life is refused, with the file's name and exit code 3; the next file is read."""

import shlex
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.shared.errors import BadData, Exit, exit_code
from components.span_example_gen import reader
from tests.components.span_example_gen.ingested import ingest
from tests.data import crafted
from tests.neutral import COLUMNS, DATE

DTYPES = COLUMNS | {DATE: "date"}
WHOLE = crafted.Lies()
BOMB = crafted.Lies(page_bytes=2**31 - 1, zeros=1)


@pytest.fixture(autouse=True)
def new(monkeypatch):
    """No process that another test has started."""
    monkeypatch.setattr(reader, "_idle", [])


def crafted_file(folder, name: str, *groups: crafted.Lies):
    path = folder / name
    path.write_bytes(crafted.parquet(DTYPES, *groups))
    return path


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_one_is_read(tmp_path):
    bomb, whole = crafted_file(tmp_path, "bomb.parquet", BOMB), crafted_file(tmp_path, "whole.parquet", WHOLE)
    assert bomb.stat().st_size < 5_000
    for _ in range(2):
        with pytest.raises(
            BadData, match=r"bomb\.parquet: to read it takes more than 0\.8 GB of memory\. Expected .*Write it"
        ) as error:
            list(reader.read(bomb, COLUMNS, DATE))
        assert exit_code(error.value) == Exit.DATA_REJECTED
        assert [batch.num_rows for batch in reader.read(whole, COLUMNS, DATE)] == [2]


def test_the_node_names_each_such_file_beside_others_that_cannot_be_read(tmp_path):
    month = tmp_path / "spans" / "2013-02"
    month.mkdir(parents=True)
    for name, lies in (("a.parquet", BOMB), ("b.parquet", WHOLE), ("c.parquet", crafted.Lies(rows=3))):
        crafted_file(month, name, lies)
    with pytest.raises(BadData, match=r"(?s)a\.parquet: to read it takes .*c\.parquet: 2 rows in row group 0, but") as error:
        ingest(tmp_path / "spans", tmp_path, "2013-02", window=1)
    assert "b.parquet" not in str(error.value)
    assert reader._idle == [], "they would keep memory for the rest of the run"


def test_files_are_read_by_one_process_one_after_the_other(tmp_path):
    path = crafted_file(tmp_path, "whole.parquet", WHOLE)
    list(reader.read(path, COLUMNS, DATE))
    [process] = reader._idle
    list(reader.read(path, COLUMNS, DATE))
    assert reader._idle == [process]
    one, other = reader.read(path, COLUMNS, DATE), reader.read(path, COLUMNS, DATE)
    assert next(one) == next(other), "side by side"
    assert list(one) == list(other) == []
    assert len(reader._idle) == 2


def test_threads_that_find_no_idle_process_start_one(tmp_path):
    """Another thread may take the last one after this one has seen it, as Beam's do."""

    class Taken(list):
        def __bool__(self) -> bool:
            return True

    reader._idle = Taken()  # `new` puts it back
    path = crafted_file(tmp_path, "whole.parquet", WHOLE)
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda _: [batch.num_rows for batch in reader.read(path, COLUMNS, DATE)], range(12))
        assert list(found) == [[2]] * 12
    reader._idle = list(reader._idle)
    reader.end()


def test_a_process_whose_file_nobody_reads_to_its_end_is_ended(tmp_path):
    batches = reader.read(crafted_file(tmp_path, "whole.parquet", WHOLE, WHOLE), COLUMNS, DATE)
    next(batches)
    batches.close()
    assert reader._idle == []


def test_a_process_that_has_ended_meanwhile_is_replaced(tmp_path):
    path = crafted_file(tmp_path, "whole.parquet", WHOLE)
    list(reader.read(path, COLUMNS, DATE))
    [process] = reader._idle
    process.kill()
    process.wait()
    assert len(list(reader.read(path, COLUMNS, DATE))) == 1


@pytest.mark.parametrize("name", ["SEGV", "ABRT"])
def test_a_crash_is_the_files_fault(tmp_path, monkeypatch, name):
    monkeypatch.setattr(reader, "COMMAND", ("sh", "-c", f"read request; kill -{name} $$"))
    with pytest.raises(BadData, match=rf"whole\.parquet cannot be read: Arrow crashed \(SIG{name}\)\. Expected a whole file"):
        list(reader.read(crafted_file(tmp_path, "whole.parquet", WHOLE), COLUMNS, DATE))


@pytest.mark.parametrize("code", ["import os; os.kill(os.getpid(), 9)", "raise TypeError"])
def test_what_ends_it_otherwise_is_not_the_files_fault(tmp_path, monkeypatch, code):
    """The kernel, for lack of memory, or an error of ours."""
    monkeypatch.setattr(reader, "COMMAND", ("sh", "-c", f"read request; exec {shlex.join([sys.executable, '-c', code])}"))
    with pytest.raises(RuntimeError, match=r"The process that read .*whole\.parquet ended with (-9|1)"):
        list(reader.read(crafted_file(tmp_path, "whole.parquet", WHOLE), COLUMNS, DATE))


def test_a_relative_path_is_named_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    crafted_file(tmp_path, "cut.parquet", crafted.Lies(rows=3))
    with pytest.raises(BadData, match=r"^cut\.parquet: 2 rows in row group 0"):
        list(reader.read("cut.parquet", COLUMNS, DATE))
