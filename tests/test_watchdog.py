"""Tests that would wait for ever end, with what they have started."""

import subprocess
import sys

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import REPOSITORY

STUCK = """
import ctypes, subprocess, sys, threading

lock, mutex = ctypes.CDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(64)  # C's, which no signal interrupts

def test_stuck():
    child = subprocess.Popen(["sleep", "600"])
    print("below:", child.pid, flush=True)
    try:
        {wait}
    finally:
        child.kill()
        child.wait(10)

def test_after_it():
    print("it goes on")
"""


@pytest.mark.parametrize(
    ("wait", "said", "next_one"),
    [
        ("threading.Event().wait()", "Failed: Timeout", True),
        ("sys.stdin.readline()", "Failed: Timeout", True),
        ("lock(mutex), lock(mutex)", "Fatal Python error: Aborted", False),
    ],
    ids=["in Python", "in a system call", "in C"],
)
def test_a_test_that_is_stuck_ends_with_what_it_has_started(tmp_path, wait, said, next_one):
    (tmp_path / "test_it.py").write_text(STUCK.format(wait=wait))
    options = ["-o", "timeout=1", "-s", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", REPOSITORY / "pyproject.toml"]
    code = "import sys, pytest; from tests import watchdog; watchdog.GRACE = 1; sys.exit(pytest.main(sys.argv[1:], [watchdog]))"
    command = [sys.executable, "-c", code, *map(str, options), str(tmp_path)]
    with subprocess.Popen(["sleep", "600"], stdout=subprocess.PIPE) as silent:
        done = subprocess.run(
            command, cwd=REPOSITORY, stdin=silent.stdout, capture_output=True, text=True, timeout=60, check=False
        )
        silent.kill()
    assert done.returncode != 0 and said in done.stdout + done.stderr
    assert ("it goes on" in done.stdout) == next_one
    child = int(done.stdout.partition("below: ")[2].split()[0])
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
