"""What hangs, grows or dies is ended and named, with all that it has started; what comes to an end gives its result."""

import os
import re
import signal
import threading
import time

import pytest

from components.shared.errors import DataRejected, LimitExceeded, ProcessDied
from pipeline.local import supervisor
from pipeline.local.progress import THE_START, Began
from pipeline.local.supervisor import supervised
from pipeline.shared.sections import Run

pytestmark = pytest.mark.usefixtures("nothing_to_free")
LIMITS = Run(root="runs", max_seconds=1, max_memory_gb=0)
CATASTROPHIC = r"(a+)+$", "a" * 60 + "b"  # doubles with each letter; re never lets another thread run


def spin_in_c(tell):
    tell(Began("Spins"))
    re.match(*CATASTROPHIC)


def sleep(tell):
    tell(Began("Sleeps"))
    time.sleep(600)


def wait_in_a_thread(tell):
    tell(Began("Waits"))
    threading.Event().wait()


@pytest.mark.parametrize(("work", "node"), [(sleep, "Sleeps"), (spin_in_c, "Spins"), (wait_in_a_thread, "Waits")])
def test_a_node_that_hangs_is_ended_and_named(console, screen, work, node):
    start = time.monotonic()
    with pytest.raises(LimitExceeded, match=rf"{node} has run for \d s .* expected 1 s at most \(run.max_seconds\)"):
        supervised(work, LIMITS, console)
    assert time.monotonic() - start < 60
    assert screen.getvalue().split()[:2] == ["failed", node]


def test_the_time_is_a_nodes_and_not_the_runs(console):
    def work(tell):
        for number in range(3):
            tell(Began(f"Node{number}"))
            time.sleep(0.6)
        return "all"

    assert supervised(work, LIMITS, console) == "all"


def test_what_begins_no_node_is_named_too(console):
    with pytest.raises(LimitExceeded, match=f"{THE_START} has run for"):
        supervised(lambda _: time.sleep(600), LIMITS, console)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed, by the kernel for lack of memory unless somebody did it"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "ended by SIGTERM"),
        (lambda: os._exit(7), "exit code 7"),
        (lambda: 1 / 0, "exit code 1"),
    ],
)
def test_a_process_that_dies_is_named(console, screen, end, how):
    def work(tell):
        tell(Began("Dies"))
        end()

    with pytest.raises(ProcessDied, match=f"Dies ended with its process: {how}"):
        supervised(work, LIMITS, console)
    assert "failed  Dies" in screen.getvalue()


def test_an_error_that_says_what_is_wrong_comes_through(console, screen):
    def work(tell):
        tell(Began("DataGate"))
        raise DataRejected("no returned parcels")

    with pytest.raises(DataRejected, match="no returned parcels"):
        supervised(work, LIMITS, console)
    assert screen.getvalue().split()[:2] == ["failed", "DataGate"]


def test_a_result_is_taken_at_once_and_not_at_the_next_look(console, monkeypatch):
    monkeypatch.setattr(supervisor, "PERIOD", 600.0)
    start = time.monotonic()
    assert supervised(lambda _: 7, LIMITS, console) == 7
    assert time.monotonic() - start < 300
