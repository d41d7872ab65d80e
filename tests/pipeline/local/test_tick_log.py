"""What a tick leaves: a line in retrain.log and for the notify command, and its output in a log that is rotated."""

import json
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from components.shared.errors import Exit
from pipeline.local import tick_log
from tests.pipeline.conftest import with_set


def test_the_notify_command_gets_the_line(spans, tmp_path, stand_in, tick):
    stand_in(m03="stable", m04="stable")
    code, line = tick(f"schedule.notify=sh -c 'cat > {tmp_path}/notified'")
    assert code == Exit.STABLE
    assert json.loads((tmp_path / "notified").read_text()) == line


@pytest.mark.parametrize("command", ["/bin/false", "TOKEN=hunter2 /no/such/program", "unbalanced 'quote"])
def test_a_notify_command_that_fails_does_not_fail_the_tick(spans, capsys, command, stand_in, tick):
    stand_in(m03="stable", m04="stable")
    assert tick(f"schedule.notify={command}")[0] == Exit.STABLE
    said = capsys.readouterr().err
    assert "schedule.notify failed: " in said and command.split()[0] not in said


def test_a_blank_notify_command_is_none(spans, capsys, stand_in, tick):
    stand_in(m03="stable", m04="stable")
    assert tick("schedule.notify= ")[0] == Exit.STABLE
    assert capsys.readouterr().err == ""


def test_nobody_is_notified_of_nothing(tmp_path, tick):
    (tmp_path / "spans" / "2024-01").mkdir(parents=True)
    assert tick(f"schedule.notify=touch {tmp_path}/notified")[0] == Exit.DONE
    assert not (tmp_path / "notified").exists()


def test_the_log_has_a_line_a_tick_and_is_rotated(tmp_path, monkeypatch, tick):
    monkeypatch.setattr(tick_log, "LOG_BYTES", 500)
    (tmp_path / "spans" / "2024-01").mkdir(parents=True)
    for _ in range(20):
        tick()
    logs = sorted(path.name for path in (tmp_path / "runs").glob("retrain.log*"))
    assert logs == ["retrain.log", *(f"retrain.log.{number}" for number in range(1, tick_log.LOG_FILES + 1))]
    for name in logs:
        text = (tmp_path / "runs" / name).read_text()
        assert len(text) <= 500
        assert {json.loads(line)["outcome"] for line in text.splitlines()} == {"nothing_to_do"}


@pytest.fixture
def command(parcels, tmp_path) -> list[str]:
    """A tick as a process of its own, on spans that a test makes."""
    arguments = ["--problem", str(parcels), "--root", str(tmp_path / "runs"), *with_set(f"data.spans={tmp_path / 'spans'}")]
    return [sys.executable, "-m", "pipeline.retrain", *arguments]


def test_output_is_appended_to_a_log_that_is_rotated(command, tmp_path):
    (tmp_path / "spans" / "2024-01").mkdir(parents=True)
    log = tmp_path / "logs" / "cron.log"
    for _ in range(2):
        done = subprocess.run([*command, "--log", log], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.stdout + done.stderr == ""
    assert [json.loads(line)["exit_code"] for line in log.read_text().splitlines()] == [0, 0]
    log.write_text("x" * tick_log.LOG_BYTES)
    subprocess.run([*command, "--log", log], cwd=REPOSITORY, check=False)
    assert len(log.read_text().splitlines()) == 1
    assert (tmp_path / "logs" / "cron.log.1").stat().st_size == tick_log.LOG_BYTES


def test_a_log_on_a_full_disk_is_no_reason_to_keep_the_line_from_the_others(command, tmp_path):
    """/dev/full can be opened and not be written."""
    command += ["--log", "/dev/full", *with_set(f"schedule.notify=sh -c 'cat > {tmp_path}/notified'")]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == Exit.FAILED
    line = json.loads((tmp_path / "runs" / "retrain.log").read_text())
    assert line["message"].startswith("SpanNotFound: ")
    assert json.loads((tmp_path / "notified").read_text()) == line
