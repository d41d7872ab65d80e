"""Every exit code, from a real command: with the message that the table of pipeline/README.md shows for it."""

import contextlib
import fcntl
import json
import re
import signal
import socket

import pytest
from conftest import REPOSITORY

from components.shared.errors import Exit
from tests.pipeline.conftest import with_set
from tests.pipeline.processes import done, said_until, started

# A run that takes no time, for the codes of a tick that depend on what came of it; real ones: tests/e2e/test_retrain.py.
STAND_IN = """
import json, os, pathlib, sys, time
arguments = sys.orig_argv
if "pipeline.local_runner" in arguments:
    outcome = {"span": "2024-04", "outcome": os.environ["OUTCOME"], "reason": os.environ["REASON"], "version": 2}
    if outcome["outcome"] == "none":
        time.sleep(60)
    pathlib.Path(arguments[arguments.index("--json") + 1]).write_text(json.dumps(outcome))
    os._exit(0)
"""


def table() -> dict[str, tuple[int, str, str]]:
    """Name to code, meaning and example of the README's table."""
    text = (REPOSITORY / "pipeline/README.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+) \| (.+?) \| `(.+)` \|$", text, re.MULTILINE)
    return {name: (int(code), meaning, example) for code, name, meaning, example in rows}


@pytest.fixture
def ends_at_once(tmp_path, monkeypatch):
    """Returns a function that has runs, in processes of their own, end at once with an outcome; or hang with none."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))

    def runs_are(outcome: str, reason: str = "") -> None:
        monkeypatch.setenv("OUTCOME", outcome)
        monkeypatch.setenv("REASON", reason)

    return runs_are


@contextlib.contextmanager
def held(root, lock: str = ".lock"):
    """Holds a root as a run does that tells of itself."""
    root.mkdir(exist_ok=True)
    with (root / lock).open("w") as file:
        file.write("process 4711 since 2026-11-25 02:21:46 (local_runner.py)\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check(name: str, found: tuple[int, str]) -> None:
    """The code is the one of the name, and the output has the README's example, whose ... stand for anything."""
    code, said = found
    assert code == Exit[name.upper().replace(" ", "_")], said
    example = ".*?".join(map(re.escape, table()[name][2].split("...")))
    assert re.search(example, " ".join(said.split())), (example, said)
    assert "Traceback" not in said


def test_the_readmes_table_is_the_enumeration():
    stated = {name: (code, meaning) for name, (code, meaning, _) in table().items()}
    assert stated == {code.name.lower().replace("_", " "): (code.value, code.meaning) for code in Exit}


def test_done(parcels, versions):
    code, said = done("pipeline.rollback", "--problem", parcels, "--root", versions)
    check("done", (code, said))
    assert "Exit code" not in said


def test_failed_which_make_does_not_pass_on_and_the_last_line_says(parcels, versions):
    code, said = done("pipeline.rollback", "--problem", parcels, "--root", versions, "--to", "9")
    check("failed", (code, said))
    assert said.splitlines()[-1] == f"Exit code {code}: it failed, and one message says why."


def test_wrong_setting(parcels, tmp_path):
    arguments = ["--problem", parcels, "--root", tmp_path, "--set", "data.window=0"]
    check("wrong setting", done("pipeline.local_runner", *arguments))


def test_data_rejected(refused):
    check("data rejected", (refused.code, refused.said))


def test_needs_a_person(refused, call):
    check("needs a person", call("pipeline.retrain", *refused.arguments))


def test_nobody_is_needed_while_the_last_attempt_is_under_way(refused, call):
    with (refused.root / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert call("pipeline.retrain", *refused.arguments)[0] == Exit.BUSY


@pytest.mark.parametrize("module", ["pipeline.local_runner", "pipeline.retrain"])
def test_busy(module, given, call, tmp_path):
    with held(tmp_path / "runs"):
        check("busy", call(module, *given))


def test_a_run_that_was_busy_says_so_in_its_outcome(given, call, tmp_path):
    result = tmp_path / "outcome.json"
    with held(tmp_path / "runs"):
        call("pipeline.local_runner", *given, "--json", result)
    assert json.loads(result.read_text())["outcome"] == "busy"


def test_a_setting_that_only_a_run_finds_wrong_is_wrong_for_the_tick_too(given, call):
    code, said = call("pipeline.retrain", *given, *with_set("beam.runner=flink", "beam.image=worker:1"))
    assert code == Exit.WRONG_SETTING
    line = json.loads(said.splitlines()[-1])
    assert (line["outcome"], line["runs"][0]["outcome"]) == ("wrong_setting", "wrong_setting")
    assert "which do not see the folders" in line["message"]


def test_limit_exceeded(given, tmp_path):
    result = tmp_path / "outcome.json"
    check("limit exceeded", done("pipeline.local_runner", *given, "--json", result, "--set", "run.max_seconds=1"))
    assert json.loads(result.read_text())["outcome"] == "limit_exceeded"


def test_with_a_stand_in_for_runs_the_whole_runs_limit_is_that_of_the_tick(given, call, ends_at_once):
    ends_at_once("none")
    code, said = call("pipeline.retrain", *given, *with_set("data.window=1", "schedule.max_hours=0.0001"))
    assert code == Exit.LIMIT_EXCEEDED
    assert "the run took more than 0.0001 hours (schedule.max_hours) and was ended" in said


@pytest.mark.parametrize(
    ("name", "reason"), [("published", ""), ("not blessed", "overall: auc is 0.69"), ("stable", "version 2 stays")]
)
def test_with_a_stand_in_for_runs_what_came_of_them_is_the_ticks_code(name, reason, given, call, ends_at_once):
    ends_at_once(name.replace(" ", "_"), reason)
    check(name, call("pipeline.retrain", *given))


def test_interrupted(parcels, tmp_path):
    """While TensorFlow is loaded: in each later moment the same process is asked to end."""
    process = started("pipeline.local_runner", "--problem", parcels, "--root", tmp_path / "runs")
    try:
        said = said_until("Log: ", process)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    check("interrupted", (process.returncode, said + rest))
    with (tmp_path / "runs" / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it any more


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("serving.predict", ["--csv", "{root}/rows.csv", "--server"]),
        ("serving.promote", ["--folder", "{root}/serving", "--model", "parcels", "--stable", "1", "--server"]),
        ("pipeline.kubeflow_runner", ["schedule", "--remove", "--host"]),
    ],
)
def test_a_command_that_waits_for_a_silent_server_can_be_interrupted(module, arguments, versions):
    """Silent: it takes the connection, and says nothing."""
    (versions / "rows.csv").write_text("shop\ntoys\n")
    given = [argument.format(root=versions) for argument in arguments]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(120)
        process = started(module, *given, f"http://127.0.0.1:{silent.getsockname()[1]}")
        try:
            with silent.accept()[0]:
                process.send_signal(signal.SIGINT)
                said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, "Traceback" in said, "Interrupted." in said) == (Exit.INTERRUPTED, False, True), said
