"""The tick as far as no run is involved; its log: local/test_tick_log.py; real runs: tests/e2e/test_retrain.py."""

import dataclasses
import fcntl
import json
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from components.shared.errors import Exit
from components.span_example_gen import content, whole
from pipeline import config, retrain
from pipeline.local import pending
from pipeline.local.outcome import Outcome
from tests.clocks import starts
from tests.pipeline.conftest import with_set


def test_nothing_to_do_is_quick_and_imports_no_tensorflow(parcels, spans, tmp_path):
    """Two months make no window of three."""
    (spans / "2024-02" / "rows.csv").unlink()
    (spans / "2024-02").rmdir()
    command = [sys.executable, "-X", "importtime", "-m", "pipeline.retrain", "--root", str(tmp_path / "runs")]
    command += ["--problem", str(parcels), *with_set(f"data.spans={spans}", "data.window=3")]

    def tick() -> None:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == Exit.DONE
        line = json.loads(done.stdout)
        assert (line["outcome"], line["runs"], line["waiting"]) == ("nothing_to_do", [], ["2024-01", "2024-03", "2024-04"])
        assert not {"tensorflow", "tfx", "apache_beam"} & {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}

    assert starts(tick, 2) < 10


def test_exit_codes_are_distinct_and_the_help_has_them(capsys):
    assert len({code.value for code in Exit}) == len(Exit.__members__)
    with pytest.raises(SystemExit):
        retrain.main(["--help"])
    assert "10 published, 11 not blessed, 12 stable" in " ".join(capsys.readouterr().out.split())


def test_with_a_stand_in_for_runs_missed_months_are_caught_up_in_order_up_to_the_limit(spans, stand_in, tick):
    ran = stand_in(m03="not_blessed", m04="published")
    code, line = tick("schedule.catch_up=1")
    assert (code, ran) == (Exit.NOT_BLESSED, ["2024-03"])
    code, line = tick()
    assert (code, ran) == (Exit.PUBLISHED, ["2024-03", "2024-03", "2024-04"])
    assert [(run["span"], run["outcome"]) for run in line["runs"]] == [("2024-03", "not_blessed"), ("2024-04", "published")]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("data_rejected", Exit.DATA_REJECTED),
        ("wrong_setting", Exit.WRONG_SETTING),
        ("busy", Exit.BUSY),
        ("failed", Exit.FAILED),
    ],
)
def test_with_a_stand_in_for_runs_the_first_undecided_month_ends_the_tick(spans, outcome, code, stand_in, tick):
    ran = stand_in(m03=outcome, m04="published")
    assert tick()[0] == code
    assert ran == ["2024-03"]
    assert tick()[1]["message"] == "why"


@pytest.fixture
def learned(parcels, spans, monkeypatch, tick):
    """Windows of two months. All are decided; runs and the store have stand-ins. Returns the outcomes that runs are to have, to
    be changed, and the spans that ran."""
    settings = config.load(overrides=[f"data.spans={spans}"], problem=parcels)
    outcomes: dict[str, str] = {}
    ran: list[str] = []
    decided: dict[str, dict[str, str]] = {}

    def run(_config, span, _options):
        ran.append(span)
        result = Outcome(span=span, outcome=outcomes.get(span, "published"), reason="why")
        if result.decided:
            decided[span] = content.totals(content.read(spans, settings.data.unit.window(span, settings.data.window)))
        return result

    monkeypatch.setattr(pending.record, "decided", lambda *_: decided)
    monkeypatch.setattr(pending.record, "attempts", lambda _path, span, _since: ran.count(span))
    monkeypatch.setattr(retrain, "run", run)
    assert tick("data.window=2")[0] == Exit.PUBLISHED
    ran.clear()
    return outcomes, ran


def deliver(spans, month: str, name: str = "rows.csv") -> None:
    (spans / month).mkdir(exist_ok=True)
    (spans / month / name).write_text("y")


def test_with_a_stand_in_for_runs_a_learned_month_that_comes_again_and_cannot_be_run_stops_no_later_one(learned, spans, tick):
    outcomes, ran = learned
    deliver(spans, "2024-03", "more.csv")
    outcomes["2024-04"] = "data_rejected"
    for _ in range(3):
        assert tick("data.window=2")[0] == Exit.DATA_REJECTED
    code, line = tick("data.window=2")
    assert (code, ran) == (Exit.NEEDS_A_PERSON, ["2024-04"] * 3)
    expected = "2024-04 was tried 3 times and came to no decision since 2024-03 changed; later months do not wait for it. "
    assert line["message"].startswith(f"{expected}Fix the files of 2024-03, which restarts the count, or ")
    deliver(spans, "2024-05")
    deliver(spans, "2024-06")
    outcomes["2024-05"] = "stable"
    code, line = tick("data.window=2", "schedule.catch_up=1")
    assert (code, ran[3:]) == (Exit.STABLE, ["2024-05"]), "what is given up takes no other month's place"
    assert line["message"].startswith(expected)
    assert tick("data.window=2")[0] == Exit.PUBLISHED
    assert tick("data.window=2")[0] == Exit.NEEDS_A_PERSON
    assert ran[4:] == ["2024-06"]


def test_with_a_stand_in_for_runs_a_new_month_that_has_a_changed_one_in_its_window_stops_no_later_one(learned, spans, tick):
    outcomes, ran = learned
    deliver(spans, "2024-05")
    deliver(spans, "2024-04", "more.csv")
    outcomes["2024-05"] = "data_rejected"
    for _ in range(3):
        assert tick("data.window=2")[0] == Exit.DATA_REJECTED
    deliver(spans, "2024-06")
    code, line = tick("data.window=2")
    assert (code, ran) == (Exit.PUBLISHED, ["2024-05"] * 3 + ["2024-06"])
    assert "Fix the files of 2024-04," in line["message"]


def test_with_a_stand_in_for_runs_a_new_month_that_cannot_be_run_stops_later_ones(learned, spans, tick):
    outcomes, ran = learned
    deliver(spans, "2024-05")
    deliver(spans, "2024-06")
    outcomes["2024-05"] = "data_rejected"
    for _ in range(3):
        assert tick("data.window=2")[0] == Exit.DATA_REJECTED
    code, line = tick("data.window=2")
    assert (code, ran) == (Exit.NEEDS_A_PERSON, ["2024-05"] * 3)
    assert "later months wait for it. Fix its files, " in line["message"]


def test_a_month_that_waits_for_an_earlier_one_is_named(spans, stand_in, tick):
    (spans / "2024-06").mkdir()
    (spans / "2024-06" / "rows.csv").write_text("x")
    stand_in(m03="stable", m04="stable")
    code, line = tick()
    assert (code, line["waiting"]) == (Exit.STABLE, ["2024-06"])


def test_with_a_stand_in_for_runs_days_that_come_in_one_by_one_are_no_failed_ticks(tmp_path, monkeypatch, stand_in, tick):
    """This month's, by the clock, after three whole ones."""
    day = whole.now()
    newest = day.year * 12 + day.month - 1
    months = [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(newest - 3, newest + 1)]
    for month in months:
        (tmp_path / "spans" / month).mkdir(parents=True)
        (tmp_path / "spans" / month / "01.csv").write_text("x")
    ran = stand_in(**{f"m{months[2][-2:]}": "published"})
    monkeypatch.setattr(retrain, "due", lambda config: pending.due(config) if not ran else without(pending.due(config), ran))
    assert tick()[0] == Exit.PUBLISHED
    for number in ("02", "03", "04"):
        (tmp_path / "spans" / months[3] / f"{number}.csv").write_text("x")
        code, line = tick()
        assert (code, line["outcome"], line["incomplete"]) == (Exit.DONE, "nothing_to_do", [months[3]])
        assert line["message"].startswith(f"{months[3]} is not whole yet. Expected a file of a later month")
    assert ran == [months[2]]


def without(found: pending.Due, ran: list[str]) -> pending.Due:
    """As if those that ran had been decided: the stand-in for runs leaves nothing in the store."""
    return dataclasses.replace(found, pending=[span for span in found.pending if span not in ran])


def test_two_ticks_never_overlap(spans, tmp_path, stand_in, tick):
    ran = stand_in()
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / ".tick.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, line = tick()
    assert (code, line["outcome"], ran) == (Exit.BUSY, "busy", [])
    assert "is in use by" in line["message"]


def test_a_run_by_hand_is_waited_out(spans, tmp_path, stand_in, tick):
    ran = stand_in()
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert tick()[0] == Exit.BUSY
    assert ran == []


def test_a_wrong_setting_and_a_missing_folder(capsys, tick):
    assert retrain.main(["--set", "train.epochs=none"]) == Exit.WRONG_SETTING
    assert "train.epochs = 'none'" in capsys.readouterr().out
    code, line = tick()
    assert code == Exit.FAILED
    assert "SpanNotFound: No spans in" in line["message"]


def test_a_version_that_waits_for_a_promotion_is_said_in_the_message(spans, monkeypatch, tick):
    run = Outcome(span="2024-03", outcome="published", version=3, in_production=1)
    monkeypatch.setattr(retrain, "run", lambda *_: run)
    code, line = tick()
    assert (code, line["runs"][-1]["version"], line["runs"][-1]["in_production"]) == (Exit.PUBLISHED, 3, 1)
    assert line["message"] == run.waits
    assert line["message"].endswith("To put version 3 there: python -m serving.promote --stable 3")
