"""Candidates with planted faults, each served by a real server in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf
from conftest import REPOSITORY

from components.canary.verdict import PRODUCTION
from components.shared.canary_report import CanaryReport
from tests.components.canary.trial import examples, trial

ROWS = 60
BAD_ROW = 40  # the fault strikes at it
COMMAND = ["-m", "serving.local_server", "--port={port}", "--rest_api_port={rest_port}", "--model_name={name}"]
COMMAND = [sys.executable, *COMMAND, "--model_base_path={folder}"]
LIMITS = {
    "max_p99_ms": 10_000.0,
    "max_slowdown": 1000.0,
    "max_memory_mb": 1500.0,
    "max_growth_mb": 300.0,
    "max_difference": 1e-5,
}


@tf.function
def no_fault(x):
    return tf.sigmoid(x / ROWS)


def struck(x):
    return tf.reduce_any(tf.equal(x, float(BAD_ROW)))


class Model(tf.Module):
    """One feature, x; its score is the fault's."""

    def __init__(self, fault, raw=None):
        super().__init__()
        self.table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, tf.zeros([2_000_000]))
        self.calls = tf.Variable(0, dtype=tf.int64)
        self.fault, self.raw = fault, raw or fault

    def save(self, folder: Path) -> Path:
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
        def of_examples(examples):
            x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]
            return {"probability": self.fault(self, x)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def of_columns(x):
            return {"probability": self.raw(self, x)}

        tf.saved_model.save(self, str(folder), signatures={"serving_default": of_examples, "raw": of_columns})
        return folder


def good(_, x):
    return no_fault(x)


def nan(_, x):
    return tf.where(tf.equal(x, float(BAD_ROW)), float("nan"), no_fault(x))


def crash(_, x):
    def abort():
        with tf.control_dependencies([tf.raw_ops.Abort(error_msg="planted")]):
            return tf.zeros_like(x)

    return tf.cond(struck(x), abort, lambda: no_fault(x))


def fail(_, x):
    with tf.control_dependencies([tf.debugging.assert_none_equal(x, float(BAD_ROW), message="planted")]):
        return no_fault(x)


def leak(model, x):
    """Keeps 8 MB of each request."""
    key = model.calls.assign_add(1)
    with tf.control_dependencies([model.table.insert([key], tf.random.uniform([1, 2_000_000]))]):
        return no_fault(x)


def swell(_, x):
    """Needs 1.6 GB for one row."""
    size = tf.where(struck(x), 400_000_000, 1)
    return no_fault(x) + 0.0 * tf.reduce_max(tf.random.uniform([size]))


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[str]:
    return examples(tmp_path_factory.mktemp("examples") / "part.gz", ROWS)


def tried(model: Path, paths: list[str], **options) -> CanaryReport:
    return trial(model, paths, COMMAND, LIMITS, rows=ROWS, **options)


def servers_left() -> list[int]:
    """Processes of a server that this test has started; other tests on the machine may have theirs."""
    mine = os.environ["PYTEST_CURRENT_TEST"].encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"serving.local_server" in (folder / "cmdline").read_bytes() and mine in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_good_candidate_is_measured_and_passes(tmp_path, paths):
    report = tried(Model(good).save(tmp_path / "m"), paths, production=Model(good).save(tmp_path / "production"))
    assert report.reasons == []
    assert report.requests == 2 * ROWS
    assert 0 < report.p50_ms <= report.p99_ms
    assert 0 < report.reference_p50_ms <= report.reference_p99_ms
    assert (report.reference, report.tries) == (PRODUCTION, 1)
    assert 100 < report.peak_mb < 1500
    assert report.difference < 1e-6
    assert servers_left() == []


STRUCK = f"request {2 * BAD_ROW + 1} (gRPC, evaluation row {BAD_ROW})"
FAULTS = [
    (nan, [STRUCK, "was answered with nan, which is no probability; 2 of 120 in all"]),
    (crash, [STRUCK, "got no answer", "the server was ended by SIGABRT", '"x": 40.0']),
    (fail, [STRUCK, "got no answer (INVALID_ARGUMENT", "planted"]),
    (leak, ["memory grew by", "limit 300", "Most of it"]),
    (swell, ["memory peaked at", "limit 1500", "evaluation row 40"]),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_is_found_and_its_request_named(tmp_path, paths, fault, said):
    reasons = tried(Model(fault).save(tmp_path / "m"), paths).reasons
    assert any(all(part in reason for part in said) for reason in reasons), reasons  # a fault may break several limits
    assert servers_left() == []


def test_an_answer_that_differs_from_what_was_evaluated_is_found(tmp_path, paths):
    model = Model(good, raw=lambda _, x: no_fault(x) + 0.001).save(tmp_path / "m")
    [reason] = tried(model, paths).reasons
    assert "(REST" in reason
    assert "evaluated was" in reason


STUB = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"model_version_status": [{"state": "AVAILABLE"}]}')

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PARENT = """
import sys, time
from pathlib import Path
from components.canary.server import starting

with starting([sys.executable, "stub.py", "{rest_port}"], Path("."), "m", Path("log")) as server:
    server.wait_until_loaded(60)
    print(server.process.pid, flush=True)
    time.sleep(60)
"""


def test_the_server_ends_with_a_canary_that_is_killed(tmp_path):
    (tmp_path / "stub.py").write_text(STUB)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout
        child = Path(f"/proc/{int(parent.stdout.readline())}")
        assert child.exists()
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    end = time.monotonic() + 5
    while child.exists() and "Z" not in (child / "stat").read_text().split()[2]:
        assert time.monotonic() < end, "the server lives on"
        time.sleep(0.05)
