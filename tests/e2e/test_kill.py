"""SIGKILL in every node: the next run resumes after the last finished node, and production is never half a version."""

import os
import signal
import subprocess
import time

import pytest
from conftest import REPOSITORY, command, run, states

from components.model_store import store
from tests import preloaded

NODES = ["ImportSchemaGen", "ProductionModel", "SpanExampleGen", "StatisticsGen", "ExampleValidator", "DataChecks", "DataGate"]
NODES += ["DriftMonitor", "Transform", "Trainer", "Evaluator", "Canary"]
NODES += ["MobileExporter", "MobileEvaluator", "Publisher", "MobilePublisher", "RunReport"]
SPAN = "2024-02"


def kill_in(node: str, problem, root) -> None:
    """Starts a run and kills it right after `node` started."""
    before = set(root.glob("logs/*"))
    parts = preloaded.command(command("--span", SPAN, problem=problem, root=root))
    process = subprocess.Popen(parts, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    try:
        if reached(f"Component {node} is running.", lambda: set(root.glob("logs/*")) - before, process):
            os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL, f"{node} was not reached"


def reached(text: str, new_logs, process) -> bool:
    """Waits until the text stands in a new log; reads only what is new, since the quickest node takes milliseconds."""
    deadline = time.monotonic() + 300
    while not (logs := new_logs()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    with next(iter(logs)).open(errors="replace") as log:
        seen = ""
        while process.poll() is None and time.monotonic() < deadline:
            seen = seen[-len(text) :] + log.read()
            if text in seen:
                return True
            time.sleep(0.001)
    return False


def whole_versions(root) -> list[int]:
    folder = root / "serving" / "parcels"
    numbers = store.versions(folder)
    for number in numbers:
        store.verify(store.read(folder, number))
    return numbers


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("killed") / "runs"


def test_a_run_killed_in_each_node_in_turn_ends_with_one_whole_version(parcels, root):
    for node in NODES:
        kill_in(node, parcels, root)
        assert whole_versions(root) in ([], [1])
    result = run("--span", SPAN, problem=parcels, root=root)
    assert result.returncode == 0, result.stdout
    shown = states(result.stdout)
    assert [shown[node] for node in ("SpanExampleGen", "StatisticsGen", "Transform", "Trainer")] == ["cached"] * 4
    assert whole_versions(root) == [1]
    assert store.versions(root / "mobile" / "parcels") == [1], "a kill between the two pushes"
