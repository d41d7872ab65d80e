"""Ends a test that pytest-timeout cannot: its signal waits until Python runs again, and C++ may never return to it.

A pytest plugin, and the process beside pytest that it tells when the current test must be over. What is left running then, the
test's own processes with it, is killed; pytest shows by SIGABRT where every thread was.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator

import psutil  # type: ignore[import-untyped]
import pytest

GRACE = 60.0  # seconds that a test has to clean up after its timeout, and pytest to end after its last test
_process: subprocess.Popen[str] | None = None


def pytest_configure() -> None:
    global _process  # noqa: PLW0603  # a plugin's state
    command = [sys.executable, __file__, str(os.getpid())]
    _process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    mark = item.get_closest_marker("timeout")
    _within((float(mark.args[0]) if mark else float(item.config.getini("timeout"))) + GRACE)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    _within(GRACE)


def _within(seconds: float) -> None:
    """Says how long what follows may take."""
    assert _process and _process.stdin
    print(seconds, file=_process.stdin, flush=True)


def watch(pid: int) -> None:
    """Reads from the standard input how long a process may go on, and ends it and all below it if it does so for longer."""
    end = float("inf")
    while True:
        left = None if end == float("inf") else max(0.0, end - time.monotonic())
        if not select.select([0], [], [], left)[0]:
            break
        if not (said := os.read(0, 1 << 16)):
            return  # pytest has ended
        end = time.monotonic() + float(said.split()[-1])
    watched = psutil.Process(pid)
    below = watched.children(recursive=True)
    watched.send_signal(signal.SIGABRT)
    for process in (*psutil.wait_procs([watched], timeout=5)[1], *below):
        if process.pid != os.getpid() and process.is_running():
            process.kill()


if __name__ == "__main__":
    watch(int(sys.argv[1]))
