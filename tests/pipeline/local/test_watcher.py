"""Whatever ends the process that watches ends what it watches; and it has one thread when it forks."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import REPOSITORY
from ml_metadata.metadata_store import MetadataStore
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from tests.pipeline.processes import alive

WATCHES = """
import os, signal, subprocess, sys, time
from pathlib import Path
from rich.console import Console
from pipeline.shared.sections import Run
from pipeline.local.supervisor import supervised

def work(tell):
    if "deaf" in sys.argv:  # before the numbers are told: a signal may follow them at once
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"heard\\n"))
    print(os.getpid(), subprocess.Popen(["sleep", "600"]).pid, flush=True)
    time.sleep(600)

supervised(work, Run(root="runs", max_seconds=0, max_memory_gb=0), Console())
"""


@contextlib.contextmanager
def watching(*command: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that watches one that sleeps, and the numbers of that and of what that has started."""
    heeding = ["env", "--default-signal=HUP", *command]  # nohup, where it has started the tests, is for them alone
    watcher = subprocess.Popen(heeding, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield watcher, [int(pid) for pid in watcher.stdout.readline().split()]
    finally:
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()


@pytest.mark.parametrize(
    ("number", "argument", "code"),
    [
        (signal.SIGKILL, "", -signal.SIGKILL),
        (signal.SIGTERM, "", 128 + signal.SIGTERM),
        (signal.SIGHUP, "", 128 + signal.SIGHUP),
        (signal.SIGINT, "", -signal.SIGINT),
        (signal.SIGINT, "deaf", -signal.SIGINT),
    ],
)
def test_whatever_ends_the_watcher_ends_what_it_watches(number, argument, code):
    with watching(sys.executable, "-c", WATCHES, argument) as (watcher, pids):
        worker, below = map(psutil.Process, pids)
        watcher.send_signal(number)
        assert watcher.wait(timeout=60) == code
        if number == signal.SIGKILL:  # the kernel ends its child, and nobody what that has started
            worker.wait(timeout=60)
            below.kill()
        else:
            assert not alive(*pids)


def test_nohup_keeps_it_from_hearing_that_its_terminal_is_gone():
    with watching("nohup", sys.executable, "-c", WATCHES, "") as (watcher, pids):
        watcher.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            watcher.wait(timeout=0.5)
        watcher.terminate()
        assert watcher.wait(timeout=20) == 128 + signal.SIGTERM
        assert not alive(*pids)


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP)])
def test_a_second_signal_does_not_end_the_watcher_before_what_it_watches(numbers):
    """As Ctrl-C of a tick: the terminal signals all of them, and then the tick its run."""
    patient = f"from pipeline.local import supervisor\nsupervisor.GRACE = 600.0\n{WATCHES}"
    with watching(sys.executable, "-c", patient, "deaf") as (watcher, pids):
        first, *later = numbers
        watcher.send_signal(first)
        if first == signal.SIGINT:
            assert watcher.stdout.readline() == "heard\n"
        for number in later:
            watcher.send_signal(number)
        assert watcher.wait(timeout=60) - 128 in numbers, "whoever asks again waits no longer"
        assert not alive(*pids)


FORKS = """
import os, sys
from pipeline import local_runner

def fork():
    threads = len(os.listdir("/proc/self/task"))
    loaded = {"tensorflow", "tfx", "apache_beam"} & sys.modules.keys()
    os.write(int(sys.argv[1]), f"{threads} {loaded or ''}".encode())
    os._exit(0)

os.fork = fork
local_runner.main(sys.argv[2:])
"""


def test_the_runners_process_has_one_thread_when_it_is_forked(parcels, tmp_path):
    """Threads are not forked, but their locks are, as they happen to be: so are gRPC's, TensorFlow's and rich's."""
    (tmp_path / "runs").mkdir()
    # With metadata, the runner has asked what was run already: by a library that knows gRPC.
    MetadataStore(sqlite_metadata_connection_config(str(tmp_path / "runs" / "metadata.db")))
    reading, writing = os.pipe()
    command = [sys.executable, "-c", FORKS, str(writing), "--problem", str(parcels), "--root", str(tmp_path / "runs")]
    subprocess.run(command, cwd=REPOSITORY, pass_fds=[writing], capture_output=True, check=True, timeout=120)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as pipe:
        assert pipe.read() == "1 "
