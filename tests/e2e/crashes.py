"""SIGKILL before a chosen file operation, or at a chosen moment, of work that a child process does."""

import contextlib
import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

OPERATIONS = ("open", "os.", "shutil.", "tempfile.")  # prefixes of the events that CPython's audit hooks are told of files
SWITCHES = ("fcntl.flock", "os.rename")  # a few of them: where it matters most who comes in between
NOT_REACHED = 0
Work = Callable[[], object]


def at_operation(number: int, work: Work) -> str:
    """Does `work` in a child that is killed right before its n-th file operation.

    Returns:
        The name of the operation; empty when the work came to its end before.
    """
    reader, writer = os.pipe()

    def killed(event: str) -> None:
        os.write(writer, event.encode())
        os.kill(os.getpid(), signal.SIGKILL)

    code = in_child(lambda: _watched(OPERATIONS, number, killed, work))
    os.close(writer)
    with os.fdopen(reader) as pipe:
        event = pipe.read()
    assert code == (-signal.SIGKILL if event else NOT_REACHED), f"exit code {code} at operation {number}: {event or 'none'}"
    return event


def _watched(operations: tuple[str, ...], number: int, then: Callable[[str], None], work: Work) -> None:
    seen = 0

    def hook(event: str, _: tuple) -> None:
        nonlocal seen
        if not event.startswith(operations):
            return
        seen += 1
        if seen == number:
            then(event)

    sys.addaudithook(hook)
    work()


def interleaved(
    number: int, first: Work, second: Work, operations: tuple[str, ...] = SWITCHES
) -> tuple[bool, int | None, int | None]:
    """Stops `first` before its n-th operation, does `second` until it ends or waits for a lock, and goes on with `first`.

    Returns:
        Whether `first` came to that operation, and the exit codes of both.
    """
    stopped = _started(lambda: _watched(operations, number, lambda _: os.kill(os.getpid(), signal.SIGSTOP), first))
    met = os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED
    other = _started(second)
    end = time.monotonic() + 60
    try:
        while other.exitcode is None and not _waits_for_a_lock(other.pid):
            assert time.monotonic() < end, "the second neither ends nor waits for a lock"
            time.sleep(0.001)
        if met:
            os.kill(stopped.pid, signal.SIGCONT)
        for process in (stopped, other):
            process.join(60)
        return met, stopped.exitcode, other.exitcode
    finally:
        for process in (stopped, other):
            process.kill()


def _waits_for_a_lock(pid: int) -> bool:
    return re.search(rf"-> FLOCK +\S+ +\S+ {pid} ", Path("/proc/locks").read_text(encoding="utf-8")) is not None


def every_operation(work: Work) -> Iterator[str]:
    """Kills `work` before its first file operation, its second, and so on; ends when it comes to its end."""
    number = 1
    while event := at_operation(number, work):
        yield event
        number += 1


def at_moment(seconds: float, work: Work) -> bool:
    """Kills a child that does `work` after so many seconds. Returns whether it still ran."""
    process = _started(work)
    process.join(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode in (NOT_REACHED, -signal.SIGKILL)
    return process.exitcode == -signal.SIGKILL


def seconds_of(work: Work) -> float:
    """How long `work` takes in a child that nobody kills."""
    start = time.monotonic()
    assert in_child(work) == 0
    return time.monotonic() - start


def in_child(work: Work) -> int:
    """Exit code of a child that does `work`; negative: the signal that ended it."""
    process = _started(work)
    process.join(60)
    if process.exitcode is None:
        process.kill()
        process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def _started(work: Work) -> multiprocessing.Process:
    # A fork: the child has the work as it is, and starts it within milliseconds.
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that a server or a person may look at, by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }
