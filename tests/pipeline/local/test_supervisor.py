"""What hangs, grows or dies is ended and named, with all that it has started; what comes to an end gives its result."""

import contextlib
import faulthandler
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import REPOSITORY
from ml_metadata.metadata_store import MetadataStore
from rich.console import Console
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.shared.errors import BadData, DataRejected, LimitExceeded, ProcessDied
from pipeline.local import supervisor
from pipeline.local.progress import THE_START, Began
from pipeline.local.supervisor import GIGABYTE, supervised
from pipeline.shared.sections import Run

pytestmark = pytest.mark.usefixtures("nothing_to_free")
LIMITS = Run(root="runs", max_seconds=1, max_memory_gb=0)
CATASTROPHIC = r"(a+)+$", "a" * 60 + "b"  # doubles with each letter; re never lets another thread run


# A process that its parent leaves behind at once; its number is what is printed.
ORPHAN = ["sh", "-c", '"$@" >&- 2>&- & echo $!', "sh"]


def orphan(*command: str) -> int:
    return int(subprocess.run([*ORPHAN, *command], stdout=subprocess.PIPE, check=True).stdout)


def alive(*pids: int) -> list[int]:
    """Those that still run: at this very moment, since nothing may run on after `supervised`."""
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def memory(gigabytes: float) -> Run:
    return Run(root="runs", max_seconds=60, max_memory_gb=gigabytes)


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def console(screen):
    return Console(file=screen)


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


def test_a_node_that_takes_memory_is_ended(console, screen):
    def work(tell):
        tell(Began("Grows"))
        kept = []
        while True:
            kept.append(b"x" * 10_000_000)
            time.sleep(0.02)

    with pytest.raises(LimitExceeded, match=r"Grows has brought the run to [\d.]+ GB .* GB at most \(run.max_memory_gb\)"):
        supervised(work, memory(0.8), console)
    assert "failed  Grows" in screen.getvalue()


def test_the_memory_of_what_it_starts_counts(console):
    def work(tell):
        tell(Began("Starts"))
        subprocess.run([sys.executable, "-c", "import time; kept = b'x' * 900_000_000; time.sleep(600)"], check=True)

    with pytest.raises(LimitExceeded, match="Starts has brought the run to"):
        supervised(work, memory(0.8), console)


def test_the_memory_of_what_it_left_behind_counts(console):
    def work(tell):
        tell(Began("Leaves"))
        orphan(sys.executable, "-c", "import time; kept = b'x' * 900_000_000; time.sleep(600)")
        time.sleep(600)

    with pytest.raises(LimitExceeded, match="Leaves has brought the run to"):
        supervised(work, memory(0.8), console)


def test_memory_that_processes_share_counts_once(console):
    def work(tell):
        tell(Began("Shares"))
        kept = b"x" * 300_000_000
        child = os.fork()
        if child == 0:
            time.sleep(2)
            os._exit(0)
        os.waitpid(child, 0)
        return len(kept)

    # This process is forked too, whatever tests it has run before.
    limit = psutil.Process().memory_info().rss / GIGABYTE + 0.4
    assert supervised(work, memory(limit), console) == 300_000_000


def test_what_it_started_ends_with_it(console, tmp_path):
    def work(tell):
        tell(Began("Starts"))
        for session in (True, False):
            other = subprocess.Popen(["sleep", "600"], start_new_session=session)
            (tmp_path / str(other.pid)).touch()
        time.sleep(600)

    with pytest.raises(LimitExceeded):
        supervised(work, LIMITS, console)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not alive(*pids)


def crash():
    faulthandler.disable()  # pytest's, which would tell of it
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse():
    raise BadData("no returned parcels")


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda: None, None),
        (refuse, BadData),
        (lambda: 1 / 0, ProcessDied),
        (crash, ProcessDied),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), ProcessDied),
    ],
    ids=["well", "refused", "bug", "crash", "killed"],
)
def test_what_it_started_ends_however_it_ends(console, tmp_path, end, error):
    def work(tell):
        tell(Began("Starts"))
        for session in (True, False):
            (tmp_path / str(subprocess.Popen(["sleep", "600"], start_new_session=session).pid)).touch()
        (tmp_path / str(orphan("sleep", "600"))).touch()
        end()

    with pytest.raises(error) if error else contextlib.nullcontext():
        supervised(work, LIMITS, console)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 3
    assert not any(psutil.pid_exists(pid) for pid in pids), "none of them may be left as a zombie either"


def test_what_others_started_goes_on(console):
    """The watcher's other children, what they start meanwhile, and what is left behind when the run is over."""
    script = "read go; sleep 600 & echo $!; wait"
    other = subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )

    def work(_):
        print(file=other.stdin, flush=True)
        return int(other.stdout.readline())

    try:
        below = supervised(work, LIMITS, console)
        assert alive(other.pid, below) == [other.pid, below]
        later = psutil.Process(orphan("sleep", "600"))
        try:
            assert later.ppid() != os.getpid(), "orphans are init's again"
        finally:
            later.kill()
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.communicate()


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


WATCHES = """
import os, subprocess, sys, time
from pathlib import Path
from rich.console import Console
from pipeline.shared.sections import Run
from pipeline.local.supervisor import supervised

def work(tell):
    print(os.getpid(), subprocess.Popen(["sleep", "600"]).pid, flush=True)
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            if "deaf" not in sys.argv:
                raise
            print("heard", flush=True)

supervised(work, Run(root="runs", max_seconds=0, max_memory_gb=0), Console())
"""


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
    command = [sys.executable, "-c", WATCHES, argument]
    watcher = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        worker, below = (psutil.Process(int(pid)) for pid in watcher.stdout.readline().split())
        watcher.send_signal(number)
        assert watcher.wait(timeout=60) == code
        if number == signal.SIGKILL:  # the kernel ends its child, and nobody what that has started
            worker.wait(timeout=60)
            below.kill()
        else:
            assert not alive(worker.pid, below.pid)
    finally:
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()


def test_nohup_keeps_it_from_hearing_that_its_terminal_is_gone():
    command = ["nohup", sys.executable, "-c", WATCHES, ""]
    watcher = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        worker, below = map(int, watcher.stdout.readline().split())
        watcher.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            watcher.wait(timeout=2)
        watcher.terminate()
        assert watcher.wait(timeout=20) == 128 + signal.SIGTERM
        assert not alive(worker, below)
    finally:
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP)])
def test_a_second_signal_does_not_end_the_watcher_before_what_it_watches(numbers):
    """As Ctrl-C of a tick: the terminal signals all of them, and then the tick its run."""
    command = [sys.executable, "-c", f"from pipeline.local import supervisor\nsupervisor.GRACE = 600.0\n{WATCHES}", "deaf"]
    watcher = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        pids = [int(pid) for pid in watcher.stdout.readline().split()]
        first, *later = numbers
        watcher.send_signal(first)
        if first == signal.SIGINT:
            assert watcher.stdout.readline() == "heard\n"
        for number in later:
            watcher.send_signal(number)
        assert watcher.wait(timeout=60) - 128 in numbers, "whoever asks again waits no longer"
        assert not alive(*pids)
    finally:
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()


def test_a_result_is_taken_at_once_and_not_at_the_next_look(console, monkeypatch):
    monkeypatch.setattr(supervisor, "PERIOD", 600.0)
    start = time.monotonic()
    assert supervised(lambda _: 7, LIMITS, console) == 7
    assert time.monotonic() - start < 300


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
