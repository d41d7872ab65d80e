"""Every exit code, from a real command: with the message that the table of pipeline/README.md shows for it."""

import contextlib
import fcntl
import json
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import FAST, REPOSITORY

from components.model_store import store
from components.model_store.manifest import Facts
from components.shared.errors import Exit
from tests.pipeline.processes import MODEL, done, said_until, started

# A run that takes no time, for the codes of a tick that depend on what came of it; real ones: tests/e2e/test_retrain.py.
STAND_IN = """
import json, os, pathlib, sys, time
arguments = sys.orig_argv
if "pipeline.local_runner" in arguments:
    outcome = {"span": "2013-04", "outcome": os.environ["OUTCOME"], "reason": os.environ.get("REASON", ""), "version": 2}
    pathlib.Path(arguments[arguments.index("--json") + 1]).write_text(json.dumps(outcome))
    time.sleep(float(os.environ.get("SECONDS_TAKEN", 0)))
    os._exit(0)
"""
COMMANDS = {  # each with arguments without which it says only that they are missing
    "pipeline.local_runner": [],
    "pipeline.retrain": [],
    "pipeline.rollback": [],
    "pipeline.reports": ["build"],
    "pipeline.views": ["tfma"],
    "pipeline.tune": [],
    "pipeline.replay": [],
    "pipeline.kubeflow_runner": ["compile"],
}
OTHERS = ["pipeline.schedule", "pipeline.kubeflow.entrypoint", "data.flights.build", "serving.promote", "serving.local_server"]
OTHERS += ["serving.batch", "serving.predict", "tflite.predict", "tflite.install"]


def table() -> dict[str, tuple[int, str, str]]:
    """Name to code, meaning and example of the README's table."""
    text = (REPOSITORY / "pipeline/README.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+) \| (.+?) \| `(.+)` \|$", text, re.MULTILINE)
    return {name: (int(code), meaning, example) for code, name, meaning, example in rows}


def settings(*values: str) -> list[str]:
    return [part for value in (*FAST, *values) for part in ("--set", value)]


@pytest.fixture
def versions(tmp_path) -> Path:
    """A root with two versions of a model."""
    for number, span in enumerate(("2013-03", "2013-04"), 1):
        source = tmp_path / span
        source.mkdir()
        (source / "saved_model.pb").write_text(span)
        facts = Facts(span=span, metrics={"overall": {"auc": 0.699 + number / 100}})
        for kind in ("serving", "mobile"):
            store.publish(tmp_path / "runs" / kind / MODEL, source, {}, facts, 5)
    return tmp_path / "runs"


@pytest.fixture
def months(tmp_path) -> Path:
    """Folders of spans whose files are not read."""
    for month in ("2013-02", "2013-03", "2013-04"):
        (tmp_path / "spans" / month).mkdir(parents=True)
        (tmp_path / "spans" / month / "rows.csv").write_text("x")
    return tmp_path / "spans"


@pytest.fixture
def stand_in(tmp_path) -> str:
    """A folder for PYTHONPATH."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(STAND_IN)
    return str(tmp_path / "path")


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


def test_done(versions):
    check("done", done("pipeline.rollback", "--root", versions))


def test_failed(versions):
    check("failed", done("pipeline.rollback", "--root", versions, "--to", "9"))


def test_wrong_setting(tmp_path):
    check("wrong setting", done("pipeline.local_runner", "--root", tmp_path, "--set", "data.window=0"))


@pytest.mark.parametrize("module", COMMANDS)
def test_a_wrong_setting_is_2_whatever_the_command(module, tmp_path):
    code, said = done(module, *COMMANDS[module], "--set", "train.epochs=none")
    assert code == Exit.WRONG_SETTING
    assert "train.epochs = 'none'" in said and "Traceback" not in said


@pytest.mark.parametrize("module", [*COMMANDS, *OTHERS])
def test_a_wrong_argument_is_2_whatever_the_command(module):
    code, said = done(module, "--nonsense")
    assert (code, "usage: " in said) == (Exit.WRONG_SETTING, True)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("pipeline.local_runner", ["--span", "2013-99"]),
        ("pipeline.local_runner", ["--span", ""]),
        ("pipeline.local_runner", ["--root", ""]),
        ("pipeline.tune", ["--span", "2013-99"]),
        ("pipeline.tune", ["--trials", "0"]),
        ("pipeline.tune", ["--out", "/proc/nowhere/found.json"]),
        ("pipeline.rollback", ["--to", "0"]),
        ("pipeline.rollback", ["--to", "-1"]),
        ("pipeline.reports", ["serve", "--port", "-1"]),
        ("pipeline.schedule", ["--at", "noon"]),
        ("pipeline.keys", ["make", "/proc/nowhere"]),
        ("pipeline.kubeflow_runner", ["run", "--span", "2013-99", "--host", "http://127.0.0.1:9"]),
        ("pipeline.kubeflow_runner", ["schedule", "--cron", "noon", "--host", "http://127.0.0.1:9"]),
        ("serving.predict", ["--json", "/nowhere.json"]),
        ("serving.predict", ["--csv", "serving", "--server", "http://127.0.0.1:9"]),
        ("serving.predict", ["--json", "data/flights/request.json", "--version", "-1"]),
        ("serving.predict", ["--json", "data/flights/request.json", "--server", "ftp://127.0.0.1"]),
        ("serving.promote", ["--stable", "0"]),
        ("serving.promote", ["--canary", "-3"]),
        ("serving.promote", ["--stable", "1", "--timeout", "nan"]),
        ("tflite.predict", ["--model", "/nowhere.tflite"]),
        ("tflite.predict", ["--json", "/nowhere.json"]),
        ("tflite.predict", ["--csv", "tflite"]),
        ("tflite.install", ["--version", "0"]),
    ],
)
def test_an_argument_that_no_machine_could_take_is_2_too(module, arguments, versions):
    """What is well formed and not there, as a month or a version, is 1; what stands in a file is 3."""
    roots = ["--root", versions] if module in COMMANDS and not module.endswith("kubeflow_runner") else []
    code, said = done(module, *arguments, *[each for each in roots if "--root" not in arguments])
    assert code == Exit.WRONG_SETTING, said
    assert "Traceback" not in said


def test_a_code_that_make_does_not_pass_on_is_on_the_last_line(versions):
    code, said = done("pipeline.rollback", "--root", versions, "--to", "9")
    assert said.splitlines()[-1] == f"Exit code {code}: it failed, and one message says why."
    assert "Exit code" not in done("pipeline.rollback", "--root", versions)[1]


def test_data_rejected(refused):
    check("data rejected", (refused.code, refused.said))


def test_needs_a_person(refused):
    check("needs a person", done("pipeline.retrain", *refused.arguments))


def test_nobody_is_needed_while_the_last_attempt_goes_on(refused):
    with (refused.root / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert done("pipeline.retrain", *refused.arguments)[0] == Exit.BUSY


@pytest.mark.parametrize("module", ["pipeline.local_runner", "pipeline.retrain"])
def test_busy(module, months, tmp_path):
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / ".lock").open("w") as held:
        held.write("process 4711 since 2026-11-25 02:21:46 (local_runner.py)\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        check("busy", done(module, "--root", tmp_path / "runs", *settings(f"data.spans={months}")))


def test_a_run_that_was_busy_says_so_in_its_outcome(months, tmp_path):
    (tmp_path / "runs").mkdir()
    result = tmp_path / "outcome.json"
    with (tmp_path / "runs" / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done("pipeline.local_runner", "--root", tmp_path / "runs", "--json", result, *settings(f"data.spans={months}"))
    assert json.loads(result.read_text())["outcome"] == "busy"


def test_a_setting_that_only_a_run_finds_wrong_is_wrong_for_the_tick_too(months, tmp_path):
    given = settings(f"data.spans={months}", "beam.runner=flink", "beam.image=worker:1")
    code, said = done("pipeline.retrain", "--root", tmp_path / "runs", *given)
    assert code == Exit.WRONG_SETTING
    line = json.loads(said.splitlines()[-1])
    assert (line["outcome"], line["runs"][0]["outcome"]) == ("wrong_setting", "wrong_setting")
    assert "which do not see the folders" in line["message"]


@pytest.mark.parametrize(
    ("module", "option", "message"),
    [
        ("pipeline.local_runner", "--json", "BadConfig: --json {file}: expected a file in a folder that exists"),
        ("pipeline.retrain", "--log", "BadConfig: --log {file} cannot be written: "),
    ],
)
def test_a_file_that_cannot_be_written_is_a_wrong_argument_before_anything_runs(module, option, message, months, tmp_path):
    file = "/proc/nowhere/file"
    code, said = done(module, "--root", tmp_path / "runs", option, file, *settings(f"data.spans={months}"))
    assert code == Exit.WRONG_SETTING
    assert message.format(file=file) in said and "Traceback" not in said
    assert not (tmp_path / "runs").exists()


def test_limit_exceeded(months, tmp_path):
    limits = settings(f"data.spans={months}", "run.max_seconds=1")
    result = tmp_path / "outcome.json"
    check("limit exceeded", done("pipeline.local_runner", "--root", tmp_path / "runs", "--json", result, *limits))
    assert json.loads(result.read_text())["outcome"] == "limit_exceeded"


def test_with_a_stand_in_for_runs_the_whole_runs_limit_is_that_of_the_tick(months, tmp_path, stand_in):
    limits = settings(f"data.spans={months}", "data.window=1", "schedule.max_hours=0.0001")
    environment = {"PYTHONPATH": stand_in, "OUTCOME": "published", "SECONDS_TAKEN": "60"}
    (tmp_path / "path" / "sitecustomize.py").write_text(STAND_IN.replace("    pathlib", "    0 and pathlib"))
    code, said = done("pipeline.retrain", "--root", tmp_path / "runs", *limits, **environment)
    assert code == Exit.LIMIT_EXCEEDED
    assert "the run took more than 0.0001 hours (schedule.max_hours) and was ended" in said


@pytest.mark.parametrize("name", ["published", "not blessed", "stable"])
def test_with_a_stand_in_for_runs_what_came_of_them_is_the_ticks_code(name, months, tmp_path, stand_in):
    reasons = {"published": "", "not blessed": "overall: auc is 0.69", "stable": "version 2 stays"}
    environment = {"PYTHONPATH": stand_in, "OUTCOME": name.replace(" ", "_"), "REASON": reasons[name]}
    check(name, done("pipeline.retrain", "--root", tmp_path / "runs", *settings(f"data.spans={months}"), **environment))


def test_interrupted(parcels, tmp_path):
    """While TensorFlow is loaded: in each later moment the same process is asked to end."""
    process = started("pipeline.local_runner", "--problem", parcels, "--root", tmp_path / "runs", *settings())
    try:
        said = said_until("Log: ", process)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    check("interrupted", (process.returncode, said + rest))
    with contextlib.ExitStack() as stack:
        held = stack.enter_context((tmp_path / "runs" / ".lock").open())
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it any more


def test_an_interrupted_tick_says_so(months, tmp_path, stand_in):
    environment = {"PYTHONPATH": stand_in, "OUTCOME": "published", "SECONDS_TAKEN": "60"}
    process = started("pipeline.retrain", "--root", tmp_path / "runs", *settings(f"data.spans={months}"), **environment)
    try:
        end = time.monotonic() + 60
        while not list(tmp_path.glob("runs/.tick.lock")):
            assert time.monotonic() < end and process.poll() is None, "the tick has not begun"
            time.sleep(0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == Exit.INTERRUPTED
    assert json.loads(said)["outcome"] == "interrupted"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("serving.predict", ["--csv", "{root}/rows.csv", "--server"]),
        ("serving.promote", ["--folder", "{root}/serving", "--stable", "1", "--server"]),
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
