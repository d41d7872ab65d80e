"""The tick as far as no run is involved; real runs: tests/e2e/test_retrain.py."""

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import sys

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import REPOSITORY

from components.shared.errors import Exit
from components.span_example_gen import content, whole
from pipeline import config, retrain
from pipeline.local import pending, tick_log
from pipeline.local.outcome import Outcome
from tests.clocks import least_processor_seconds


@pytest.fixture
def spans(tmp_path):
    """Four months; what stands in their files does not matter where runs have a stand-in."""
    for month in ("2013-01", "2013-02", "2013-03", "2013-04"):
        (tmp_path / "spans" / month).mkdir(parents=True)
        (tmp_path / "spans" / month / "rows.csv").write_text("x")
    return tmp_path / "spans"


def tick(tmp_path, *settings: str) -> tuple[int, dict]:
    """A tick in this process, and the last line that it left in retrain.log."""
    arguments = [part for setting in (f"data.spans={tmp_path / 'spans'}", *settings) for part in ("--set", setting)]
    code = retrain.main(["--root", str(tmp_path / "runs"), *arguments])
    return code, json.loads((tmp_path / "runs" / "retrain.log").read_text().splitlines()[-1])


def stand_in(monkeypatch, **outcomes: str) -> list[str]:
    """Runs that have the outcomes given by month, as `m04="published"`. Returns the list that the spans run go to."""
    ran: list[str] = []

    def run(_config, span, _options):
        ran.append(span)
        return Outcome(span=span, outcome=outcomes[f"m{span[-2:]}"], reason="why")

    monkeypatch.setattr(retrain, "run", run)
    return ran


def test_nothing_to_do_is_quick_and_imports_no_tensorflow(spans, tmp_path):
    """Two months make no window of three."""
    (spans / "2013-02" / "rows.csv").unlink()
    (spans / "2013-02").rmdir()
    command = [sys.executable, "-X", "importtime", "-m", "pipeline.retrain", "--root", str(tmp_path / "runs")]

    def tick() -> None:
        done = subprocess.run(
            [*command, "--set", f"data.spans={spans}"], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == Exit.DONE
        line = json.loads(done.stdout)
        assert (line["outcome"], line["runs"], line["waiting"]) == ("nothing_to_do", [], ["2013-01", "2013-03", "2013-04"])
        assert not {"tensorflow", "tfx", "apache_beam"} & {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}

    assert least_processor_seconds(tick) < 2


def test_exit_codes_are_distinct_and_the_help_has_them(capsys):
    assert len({code.value for code in Exit}) == len(Exit.__members__)
    with pytest.raises(SystemExit):
        retrain.main(["--help"])
    assert "10 published, 11 not blessed, 12 stable" in " ".join(capsys.readouterr().out.split())


def test_with_a_stand_in_for_runs_missed_months_are_caught_up_in_order_up_to_the_limit(spans, tmp_path, monkeypatch):
    ran = stand_in(monkeypatch, m03="not_blessed", m04="published")
    code, line = tick(tmp_path, "schedule.catch_up=1")
    assert (code, ran) == (Exit.NOT_BLESSED, ["2013-03"])
    code, line = tick(tmp_path)
    assert (code, ran) == (Exit.PUBLISHED, ["2013-03", "2013-03", "2013-04"])
    assert [(run["span"], run["outcome"]) for run in line["runs"]] == [("2013-03", "not_blessed"), ("2013-04", "published")]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("data_rejected", Exit.DATA_REJECTED),
        ("wrong_setting", Exit.WRONG_SETTING),
        ("busy", Exit.BUSY),
        ("failed", Exit.FAILED),
    ],
)
def test_with_a_stand_in_for_runs_the_first_undecided_month_ends_the_tick(spans, tmp_path, monkeypatch, outcome, code):
    ran = stand_in(monkeypatch, m03=outcome, m04="published")
    assert tick(tmp_path)[0] == code
    assert ran == ["2013-03"]
    assert tick(tmp_path)[1]["message"] == "why"


@pytest.fixture
def learned(spans, tmp_path, monkeypatch):
    """Windows of two months. All are decided; runs and the store have stand-ins. Returns the outcomes that runs are to have, to
    be changed, and the spans that ran."""
    settings = config.load(overrides=[f"data.spans={spans}", "data.window=2"])
    outcomes: dict[str, str] = {}
    ran: list[str] = []
    decided: dict[str, dict[str, str]] = {}

    def run(_config, span, _options):
        ran.append(span)
        result = Outcome(span=span, outcome=outcomes.get(span, "published"), reason="why")
        if result.decided:
            decided[span] = content.totals(content.read(spans, pending.spans.window(span, settings.data.window)))
        return result

    monkeypatch.setattr(pending.record, "decided", lambda *_: decided)
    monkeypatch.setattr(pending.record, "attempts", lambda _path, span, _since: ran.count(span))
    monkeypatch.setattr(retrain, "run", run)
    assert tick(tmp_path, "data.window=2")[0] == Exit.PUBLISHED
    ran.clear()
    return outcomes, ran


def deliver(spans, month: str, name: str = "rows.csv") -> None:
    (spans / month).mkdir(exist_ok=True)
    (spans / month / name).write_text("y")


def test_with_a_stand_in_for_runs_a_learned_month_that_is_delivered_again_and_cannot_be_run_stops_no_later_one(
    learned, spans, tmp_path
):
    outcomes, ran = learned
    deliver(spans, "2013-03", "more.csv")
    outcomes["2013-04"] = "data_rejected"
    for _ in range(3):
        assert tick(tmp_path, "data.window=2")[0] == Exit.DATA_REJECTED
    code, line = tick(tmp_path, "data.window=2")
    assert (code, ran) == (Exit.NEEDS_A_PERSON, ["2013-04"] * 3)
    expected = "2013-04 was tried 3 times and came to no decision since 2013-03 changed; later months do not wait for it. "
    assert line["message"].startswith(f"{expected}Fix the files of 2013-03, which restarts the count, or ")
    deliver(spans, "2013-05")
    deliver(spans, "2013-06")
    outcomes["2013-05"] = "stable"
    code, line = tick(tmp_path, "data.window=2", "schedule.catch_up=1")
    assert (code, ran[3:]) == (Exit.STABLE, ["2013-05"]), "what is given up takes no other month's place"
    assert line["message"].startswith(expected)
    assert tick(tmp_path, "data.window=2")[0] == Exit.PUBLISHED
    assert tick(tmp_path, "data.window=2")[0] == Exit.NEEDS_A_PERSON
    assert ran[4:] == ["2013-06"]


def test_with_a_stand_in_for_runs_a_new_month_that_has_a_changed_one_in_its_window_stops_no_later_one(learned, spans, tmp_path):
    outcomes, ran = learned
    deliver(spans, "2013-05")
    deliver(spans, "2013-04", "more.csv")
    outcomes["2013-05"] = "data_rejected"
    for _ in range(3):
        assert tick(tmp_path, "data.window=2")[0] == Exit.DATA_REJECTED
    deliver(spans, "2013-06")
    code, line = tick(tmp_path, "data.window=2")
    assert (code, ran) == (Exit.PUBLISHED, ["2013-05"] * 3 + ["2013-06"])
    assert "Fix the files of 2013-04," in line["message"]


def test_with_a_stand_in_for_runs_a_new_month_that_cannot_be_run_stops_later_ones(learned, spans, tmp_path):
    outcomes, ran = learned
    deliver(spans, "2013-05")
    deliver(spans, "2013-06")
    outcomes["2013-05"] = "data_rejected"
    for _ in range(3):
        assert tick(tmp_path, "data.window=2")[0] == Exit.DATA_REJECTED
    code, line = tick(tmp_path, "data.window=2")
    assert (code, ran) == (Exit.NEEDS_A_PERSON, ["2013-05"] * 3)
    assert "later months wait for it. Fix its files, " in line["message"]


# A run that takes no time to start and does not listen to Ctrl-C, watched as the real one is.
DEAF_RUN = """
import os, subprocess, sys, time
if "pipeline.local_runner" in sys.orig_argv:
    sys.path.insert(0, os.getcwd())
    from rich.console import Console
    from pipeline.shared.sections import Run
    from pipeline.local.supervisor import supervised

    def work(_):
        print(os.getppid(), os.getpid(), subprocess.Popen(["sleep", "600"]).pid, flush=True)
        while True:
            try:
                time.sleep(600)
            except KeyboardInterrupt:
                pass

    try:
        supervised(work, Run(root="runs", max_seconds=0, max_memory_gb=0), Console())
    finally:
        os._exit(1)
"""


@pytest.mark.parametrize(
    ("number", "to_all", "told"),
    [
        (signal.SIGTERM, False, "SIGTERM"),
        (signal.SIGTERM, True, "SIGTERM"),
        (signal.SIGHUP, False, "SIGHUP"),
        (signal.SIGINT, False, "Ctrl-C"),
        (signal.SIGINT, True, "Ctrl-C"),
    ],
)
def test_with_a_stand_in_for_runs_a_tick_that_a_signal_ends_ends_its_run_and_says_so(spans, tmp_path, number, to_all, told):
    """As `kill` does it, systemd, a terminal that is closed, and Ctrl-C in one."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(DEAF_RUN)
    command = [sys.executable, "-m", "pipeline.retrain", "--root", str(tmp_path / "runs"), "--set", f"data.spans={spans}"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "path")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    tick = subprocess.Popen(command, cwd=REPOSITORY, text=True, env=environment, start_new_session=True, **streams)
    pids = []
    try:
        pids = [int(pid) for pid in tick.stdout.readline().split()]
        (os.killpg if to_all else os.kill)(tick.pid, number)
        assert tick.wait(timeout=120) == Exit.INTERRUPTED
        assert len(pids) == 3
        assert not any(psutil.pid_exists(pid) for pid in pids)
    finally:
        for pid in (tick.pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        tick.wait()
        tick.stdout.close()
    line = json.loads((tmp_path / "runs" / "retrain.log").read_text())
    assert (line["outcome"], line["exit_code"]) == ("interrupted", Exit.INTERRUPTED)
    assert line["message"].startswith(f"{told}; the next tick resumes")


def test_a_run_that_was_interrupted_alone_interrupts_the_tick(spans, tmp_path):
    (tmp_path / "path").mkdir()
    code = 'import os, sys; "pipeline.local_runner" in sys.orig_argv and os._exit(130)'
    (tmp_path / "path" / "sitecustomize.py").write_text(code)
    command = [sys.executable, "-m", "pipeline.retrain", "--root", str(tmp_path / "runs"), "--set", f"data.spans={spans}"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "path")}
    done = subprocess.run(command, cwd=REPOSITORY, text=True, capture_output=True, env=environment, check=False)
    assert done.returncode == Exit.INTERRUPTED
    assert json.loads(done.stdout)["runs"][0]["outcome"] == "interrupted"


def test_a_month_that_waits_for_an_earlier_one_is_named(spans, tmp_path, monkeypatch):
    (spans / "2013-06").mkdir()
    (spans / "2013-06" / "rows.csv").write_text("x")
    stand_in(monkeypatch, m03="stable", m04="stable")
    code, line = tick(tmp_path)
    assert (code, line["waiting"]) == (Exit.STABLE, ["2013-06"])


def test_with_a_stand_in_for_runs_days_that_come_in_one_by_one_are_no_failed_ticks(tmp_path, monkeypatch):
    """This month's, by the clock, behind three whole ones."""
    day = whole.today()
    newest = day.year * 12 + day.month - 1
    months = [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(newest - 3, newest + 1)]
    for month in months:
        (tmp_path / "spans" / month).mkdir(parents=True)
        (tmp_path / "spans" / month / "01.csv").write_text("x")
    ran = stand_in(monkeypatch, **{f"m{months[2][-2:]}": "published"})
    monkeypatch.setattr(retrain, "due", lambda config: pending.due(config) if not ran else without(pending.due(config), ran))
    assert tick(tmp_path)[0] == Exit.PUBLISHED
    for number in ("02", "03", "04"):
        (tmp_path / "spans" / months[3] / f"{number}.csv").write_text("x")
        code, line = tick(tmp_path)
        assert (code, line["outcome"], line["incomplete"]) == (Exit.DONE, "nothing_to_do", [months[3]])
        assert line["message"].startswith(f"{months[3]} is not whole yet. Expected a file of a later month")
    assert ran == [months[2]]


def without(found: pending.Due, ran: list[str]) -> pending.Due:
    """As if those that ran had been decided: the stand-in for runs leaves nothing in the store."""
    return dataclasses.replace(found, pending=[span for span in found.pending if span not in ran])


def test_two_ticks_never_overlap(spans, tmp_path, monkeypatch):
    ran = stand_in(monkeypatch)
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / ".tick.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, line = tick(tmp_path)
    assert (code, line["outcome"], ran) == (Exit.BUSY, "busy", [])
    assert "is in use by" in line["message"]


def test_a_run_by_hand_is_waited_out(spans, tmp_path, monkeypatch):
    ran = stand_in(monkeypatch)
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert tick(tmp_path)[0] == Exit.BUSY
    assert ran == []


def test_a_wrong_setting_and_a_missing_folder(tmp_path, capsys):
    assert retrain.main(["--set", "train.epochs=none"]) == Exit.WRONG_SETTING
    assert "train.epochs = 'none'" in capsys.readouterr().out
    code, line = tick(tmp_path)
    assert code == Exit.FAILED
    assert "SpanNotFound: No spans in" in line["message"]


def test_the_notify_command_gets_the_line(spans, tmp_path, monkeypatch):
    stand_in(monkeypatch, m03="stable", m04="stable")
    code, line = tick(tmp_path, f"schedule.notify=sh -c 'cat > {tmp_path}/notified'")
    assert code == Exit.STABLE
    assert json.loads((tmp_path / "notified").read_text()) == line


@pytest.mark.parametrize("command", ["/bin/false", "TOKEN=hunter2 /no/such/program", "unbalanced 'quote"])
def test_a_notify_command_that_fails_does_not_fail_the_tick(spans, tmp_path, monkeypatch, capsys, command):
    stand_in(monkeypatch, m03="stable", m04="stable")
    assert tick(tmp_path, f"schedule.notify={command}")[0] == Exit.STABLE
    said = capsys.readouterr().err
    assert "schedule.notify failed: " in said and command.split()[0] not in said


def test_a_blank_notify_command_is_none(spans, tmp_path, monkeypatch, capsys):
    stand_in(monkeypatch, m03="stable", m04="stable")
    assert tick(tmp_path, "schedule.notify= ")[0] == Exit.STABLE
    assert capsys.readouterr().err == ""


def test_nobody_is_notified_of_nothing(tmp_path):
    (tmp_path / "spans" / "2013-01").mkdir(parents=True)
    assert tick(tmp_path, f"schedule.notify=touch {tmp_path}/notified")[0] == Exit.DONE
    assert not (tmp_path / "notified").exists()


def test_the_log_has_a_line_a_tick_and_is_rotated(tmp_path, monkeypatch):
    monkeypatch.setattr(tick_log, "LOG_BYTES", 2000)
    (tmp_path / "spans" / "2013-01").mkdir(parents=True)
    for _ in range(120):
        tick(tmp_path)
    logs = sorted(path.name for path in (tmp_path / "runs").glob("retrain.log*"))
    assert logs == ["retrain.log", *(f"retrain.log.{number}" for number in range(1, tick_log.LOG_FILES + 1))]
    for name in logs:
        text = (tmp_path / "runs" / name).read_text()
        assert len(text) <= 2000
        assert {json.loads(line)["outcome"] for line in text.splitlines()} == {"nothing_to_do"}


def test_output_is_appended_to_a_log_that_is_rotated(tmp_path):
    (tmp_path / "spans" / "2013-01").mkdir(parents=True)
    command = [sys.executable, "-m", "pipeline.retrain", "--root", str(tmp_path / "runs")]
    command += ["--set", f"data.spans={tmp_path / 'spans'}", "--log", str(tmp_path / "logs" / "cron.log")]
    for _ in range(2):
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.stdout + done.stderr == ""
    log = tmp_path / "logs" / "cron.log"
    assert [json.loads(line)["exit_code"] for line in log.read_text().splitlines()] == [0, 0]
    log.write_text("x" * tick_log.LOG_BYTES)
    subprocess.run(command, cwd=REPOSITORY, check=False)
    assert len(log.read_text().splitlines()) == 1
    assert (tmp_path / "logs" / "cron.log.1").stat().st_size == tick_log.LOG_BYTES


def test_a_log_on_a_full_disk_is_no_reason_to_keep_the_line_from_the_others(tmp_path):
    """/dev/full can be opened and not be written."""
    command = [sys.executable, "-m", "pipeline.retrain", "--root", str(tmp_path / "runs"), "--log", "/dev/full"]
    settings = [f"data.spans={tmp_path / 'none'}", f"schedule.notify=sh -c 'cat > {tmp_path}/notified'"]
    command += [part for setting in settings for part in ("--set", setting)]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == Exit.FAILED
    line = json.loads((tmp_path / "runs" / "retrain.log").read_text())
    assert line["message"].startswith("SpanNotFound: ")
    assert json.loads((tmp_path / "notified").read_text()) == line


def test_a_version_that_waits_for_a_promotion_is_said_in_the_message(spans, tmp_path, monkeypatch):
    run = Outcome(span="2013-03", outcome="published", version=3, in_production=1)
    monkeypatch.setattr(retrain, "run", lambda *_: run)
    code, line = tick(tmp_path)
    assert (code, line["runs"][-1]["version"], line["runs"][-1]["in_production"]) == (Exit.PUBLISHED, 3, 1)
    assert line["message"] == run.waits
    assert line["message"].endswith("To put version 3 there: python -m serving.promote --stable 3")
