"""A node that hangs or grows, in a DAG that takes a moment: it is ended, ML Metadata says why, and the next run goes on."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from rich.console import Console

from components.shared import trace
from components.shared.errors import BadConfig, LimitExceeded, NodeFailed, ProcessDied
from pipeline import config
from pipeline.local import execution, record
from pipeline.local.supervisor import GIGABYTE
from tests.pipeline import small_dag


@pytest.fixture
def run(parcels, tmp_path, monkeypatch, nothing_to_free):
    """Runs the small DAG as the real one is run. What the terminal shows goes to a file of the run's name."""
    monkeypatch.setattr("pipeline.model.distribution.create", lambda *_: None)  # TensorFlow's threads survive no fork

    def execute(name: str, *settings: str, after: Callable[[], str] = lambda: "done", **behaviour) -> str:
        monkeypatch.setattr("pipeline.dag.create_pipeline", lambda *_: small_dag.create(tmp_path, **behaviour))
        loaded = config.load(overrides=[f"run.root={tmp_path}", *settings], problem=parcels)
        with (tmp_path / name).open("w", buffering=1) as screen:  # a file: another process writes to it too
            return execution.execute(loaded, "2024-02", Console(file=screen), name, after=after)

    return execute


def states(folder: Path, name: str) -> dict[str, str]:
    found = trace.read(trace.open_store(folder / "metadata.db"), name)
    return {node: each.state for node, each in found.executions.items()}


@pytest.mark.parametrize(
    ("hangs", "message"),
    [
        ("sleeps", r"Use has run for \d s and was ended; expected 5 s at most \(run.max_seconds\)"),
        ("spins", r"Use has run for \d s and was ended; expected 5 s at most \(run.max_seconds\)"),
        ("grows", r"Use has brought the run to [\d.]+ GB .* expected [\d.]+ GB at most \(run.max_memory_gb\)"),
    ],
)
def test_a_node_that_takes_too_much_is_ended_and_the_run_is_closed(run, tmp_path, hangs, message):
    memory = psutil.Process().memory_info().rss / GIGABYTE + 0.5  # this process is forked, whatever tests it has run before
    setting = f"run.max_memory_gb={memory:.1f}" if hangs == "grows" else "run.max_seconds=5"  # a busy machine starts in two
    start = time.monotonic()
    with pytest.raises(LimitExceeded, match=message):
        run("stopped", setting, hangs=hangs)
    assert time.monotonic() - start < 60
    assert re.findall(r"^  (\w+) +(\w+)", (tmp_path / "stopped").read_text(), re.MULTILINE) == [
        ("done", "Make"),
        ("failed", "Use"),
        ("done", "Close"),
    ]
    assert states(tmp_path, "stopped") == {"Make": "done", "Use": "failed", "Close": "done"}
    told = trace.read(trace.open_store(tmp_path / "metadata.db"), "stopped").executions["Use"].message
    assert re.match(f"LimitExceeded: {message}", told)
    assert (tmp_path / "said").read_text() == "nothing"
    run("next")
    assert states(tmp_path, "next") == {"Make": "done", "Use": "done", "Close": "done"}
    assert (tmp_path / "said").read_text() == "14"


def test_a_node_whose_process_dies_is_told_of_too(run, tmp_path):
    with pytest.raises(ProcessDied, match="Use ended with its process: killed, by the kernel for lack of memory"):
        run("stopped", hangs="dies")
    assert states(tmp_path, "stopped") == {"Make": "done", "Use": "failed", "Close": "done"}


def test_a_bug_in_a_node_has_its_traceback_in_the_log(run, tmp_path, capfd):
    with pytest.raises(NodeFailed, match=r"Use failed: ZeroDivisionError: a bug\nThe traceback is in the log."):
        run("stopped", hangs="breaks")
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err
    assert states(tmp_path, "stopped") == {"Make": "done", "Use": "failed", "Close": "done"}


@pytest.mark.parametrize(
    ("hangs", "told"), [("quotes", "RuntimeError: no answer to --token=***"), ("leaves", "SystemExit: invalid value: '***'")]
)
def test_what_a_library_quotes_of_a_password_is_masked(run, tmp_path, capfd, hangs, told):
    with pytest.raises(NodeFailed) as caught:
        run("stopped", "beam.options=['--token=open sesame']", hangs=hangs)
    assert str(caught.value) == f"Use failed: {told}\nThe traceback is in the log."
    assert states(tmp_path, "stopped") == {"Make": "done", "Use": "failed", "Close": "done"}
    assert trace.read(trace.open_store(tmp_path / "metadata.db"), "stopped").executions["Use"].message == told
    logged = capfd.readouterr().err
    assert told.partition(": ")[2] in logged
    assert "open sesame" not in logged + (tmp_path / "stopped").read_text()


def test_what_makes_no_sense_is_said_before_any_process_starts(run, tmp_path):
    with pytest.raises(BadConfig, match="which do not see the folders"):
        run("never", "beam.runner=flink", "beam.image=worker:1")
    assert (tmp_path / "never").read_text() == ""


@pytest.mark.parametrize(
    ("closing", "told"),
    [
        ("breaks", "ZeroDivisionError: a bug"),
        ("dies", "ProcessDied: RunReport ended with its process: killed, by the kernel for lack of memory"),
    ],
)
def test_a_report_that_fails_changes_nothing_and_its_reason_is_kept(run, tmp_path, closing, told):
    assert run("published", closing=closing, closing_id="RunReport") == "done"
    assert states(tmp_path, "published") == {"Make": "done", "Use": "done", "RunReport": "failed"}
    assert record.unreported(tmp_path / "metadata.db").startswith(told)


def test_a_report_that_dies_after_a_failed_node_does_not_hide_it(run):
    with pytest.raises(NodeFailed, match=r"Make failed: BadData: rows.parquet.*\n.*report: ProcessDied: RunReport"):
        run("stopped", broken=True, closing="dies", closing_id="RunReport")


def test_what_fails_after_the_last_node_says_so_and_that_the_run_stands(run, tmp_path):
    with pytest.raises(NodeFailed, match=r"What follows the last node failed: ZeroDivisionError.*\nEvery node has ended"):
        run("published", after=lambda: str(1 // 0))
    assert record.unreported(tmp_path / "metadata.db") == ""
