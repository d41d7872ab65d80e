"""The memory of what a run starts counts, and all of it ends with the run, however that ends."""

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import time

import psutil  # type: ignore[import-untyped]
import pytest

from components.shared.errors import BadData, LimitExceeded, ProcessDied
from pipeline.local.progress import Began
from pipeline.local.supervisor import GIGABYTE, supervised
from pipeline.shared.sections import Run
from tests.pipeline.processes import alive, orphan

pytestmark = pytest.mark.usefixtures("nothing_to_free")
LIMITS = Run(root="runs", max_seconds=1, max_memory_gb=0)


def memory(gigabytes: float) -> Run:
    return Run(root="runs", max_seconds=60, max_memory_gb=gigabytes)


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
