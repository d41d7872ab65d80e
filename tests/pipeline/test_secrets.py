"""What a run writes holds no secret of its environment or settings: every byte is looked at, unpacked if it is packed."""

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

from planted import NOTIFY, SECRET

from components.model_store import store
from components.run_report import facts
from tests.pipeline.processes import done


def contents(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes, and those that are packed in them. TFRecords and protos hold texts as they are."""
    yield name, data
    if data[:2] == b"\x1f\x8b":
        yield from contents(f"{name}, unzipped", gzip.decompress(data))
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for each in packed.namelist():
                yield from contents(f"{name}: {each}", packed.read(each))
    if data[:15] == b"SQLite format 3":  # whose long texts are in pieces
        with sqlite3.connect(":memory:") as database:
            database.deserialize(data)
            yield f"{name}, dumped", "\n".join(database.iterdump()).encode()


def leaks(folder: Path) -> list[str]:
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    secret = SECRET.encode()
    return sorted(name for file, data in files.items() for name, found in contents(file, data) if secret in found)


def test_the_search_finds_what_is_packed(tmp_path):
    (tmp_path / "plain").write_text(f"x{SECRET}x")
    with gzip.open(tmp_path / "rows.gz", "wb") as packed:
        packed.write(SECRET.encode())
    with zipfile.ZipFile(tmp_path / "model.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", SECRET)
    with sqlite3.connect(tmp_path / "metadata.db") as database:
        database.execute("CREATE TABLE t (text)")
        database.execute("INSERT INTO t VALUES (?)", ["y" * 4000 + SECRET])
    database.close()
    found = ["metadata.db, dumped", "model.zip: inner", "plain", "rows.gz, unzipped"]
    assert [name for name in leaks(tmp_path) if name != "metadata.db"] == found


def test_two_whole_runs_leave_none(two_runs):
    """Their environment and `schedule.notify` hold one."""
    assert leaks(two_runs.root) == []
    assert leaks(two_runs.temporary) == []
    assert SECRET not in two_runs.first + two_runs.second
    assert store.read(two_runs.root / "serving" / "flight_delay", 1).manifest.configuration["schedule"]["notify"] == "***"
    for said in (two_runs.first, two_runs.second):
        told = facts.read(Path(said.rpartition("Report: ")[2].strip()).parent)
        assert told.configuration["schedule"]["notify"] == "***"
        assert """--set 'schedule.notify="***"'""" in told.reproduce[-1]


def test_a_tick_with_a_password_among_beams_options_leaves_none(refused):
    assert leaks(refused.root) == []
    assert SECRET not in refused.said
    [log] = refused.root.glob("logs/*.log")
    assert '"--password=***"' in log.read_text(), "TFX no longer logs Beam's options: the test tests nothing"
    [page] = refused.root.glob("reports/*/facts.json")
    assert json.loads(page.read_text())["configuration"]["beam"]["options"] == ["--password=***"]


def test_a_wrong_setting_beside_a_password_is_named_without_it(tmp_path):
    wrong = ["--set", f"beam.options=['--password={SECRET}', 'x']", "--set", f"schedule.notify={NOTIFY}"]
    for further in ([], ["--set", "beam.runner=flink", "--set", "beam.project=mine"]):
        code, said = done("pipeline.retrain", "--root", tmp_path / "runs", *wrong, *further)
        assert code == 2 and "beam" in said
        assert SECRET not in said


def test_who_holds_a_root_is_told_without_the_settings(tmp_path):
    (tmp_path / "spans" / "2013-01").mkdir(parents=True)
    done(
        "pipeline.retrain",
        "--root",
        tmp_path / "runs",
        "--set",
        f"data.spans={tmp_path / 'spans'}",
        "--set",
        f"schedule.notify={NOTIFY}",
    )
    assert "(retrain.py)" in (tmp_path / "runs" / ".tick.lock").read_text()
    assert leaks(tmp_path / "runs") == []
