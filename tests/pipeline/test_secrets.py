"""What a tick writes holds no secret of its environment or settings; whole runs: tests/e2e/test_secrets.py."""

import gzip
import json
import sqlite3
import zipfile

import pytest
from planted import NOTIFY, SECRET, leaks

from tests.pipeline.conftest import with_set


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


def test_a_tick_with_a_password_among_beams_options_leaves_none(refused):
    assert leaks(refused.root) == []
    assert SECRET not in refused.said
    [log] = refused.root.glob("logs/*.log")
    assert '"--password=***"' in log.read_text(), "TFX no longer logs Beam's options: the test tests nothing"


@pytest.mark.needs("pipeline.parts.report")
def test_the_page_of_a_run_masks_a_password_among_beams_options(refused):
    [page] = refused.root.glob("reports/*/facts.json")
    assert json.loads(page.read_text())["configuration"]["beam"]["options"] == ["--password=***"]


def test_a_wrong_setting_beside_a_password_is_named_without_it(parcels, tmp_path, call):
    wrong = with_set(f"beam.options=['--password={SECRET}', 'x']", f"schedule.notify={NOTIFY}")
    for further in ([], with_set("beam.runner=flink", "beam.project=mine")):
        code, said = call("pipeline.retrain", "--problem", parcels, "--root", tmp_path / "runs", *wrong, *further)
        assert code == 2 and "beam" in said
        assert SECRET not in said


def test_who_holds_a_root_is_told_without_the_settings(parcels, tmp_path, call):
    (tmp_path / "spans" / "2024-01").mkdir(parents=True)
    settings = with_set(f"data.spans={tmp_path / 'spans'}", f"schedule.notify={NOTIFY}")
    call("pipeline.retrain", "--problem", parcels, "--root", tmp_path / "runs", *settings)
    assert "(retrain.py)" in (tmp_path / "runs" / ".tick.lock").read_text()
    assert leaks(tmp_path / "runs") == []
