"""Runs nodes in a process of its own, under limits. What hangs is ended and named, even in C code that holds Python's lock.

The process that watches imports no TensorFlow, and the other is a fork of it, which takes milliseconds.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import FrameType
from typing import Literal, NoReturn, TypeVar

import psutil  # type: ignore[import-untyped]
from rich.console import Console

from components.errors import CrosswindError, Exit, LimitExceeded, ProcessDied
from pipeline import progress
from pipeline.config import Run
from pipeline.root import leave

Result = TypeVar("Result")
Started = Callable[[str], None]  # is told each node that starts
PERIOD = 1.0  # seconds between two looks
GRACE = 5.0  # seconds to end after Ctrl-C; TensorFlow may need them
LEAVING = 60.0  # seconds to end after the work is done
THE_START = "The start"  # before the first node
GIGABYTE = 1e9
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def supervised(work: Callable[[Started], Result], limits: Run, console: Console) -> Result:
    """Does the work in a process of its own, which ends with this one whatever ends it.

    Args:
        work: calls what it is given with the name of each node that starts. What it returns or raises must be picklable.
        limits: `max_seconds` of a node, `max_memory_gb` of the process and all below it.
        console: gets the line of the node that is ended.

    Returns:
        What the work returns.

    Raises:
        LimitExceeded: a node took more than it may.
        ProcessDied: the process ended without a result.
        CrosswindError: that of the work.
    """
    receiver, sender = Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    watcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        _work(work, sender, watcher)
    sender.close()
    try:
        with receiver, _ended(psutil.Process(pid)) as process, _signals_end_it():
            return _watch(process, receiver, limits, console)
    finally:
        console.show_cursor()  # which a spinner that was not asked leaves hidden


def _work(work: Callable[[Started], object], sender: Connection, watcher: int) -> NoReturn:
    """In the other process."""
    os.setsid()  # Ctrl-C is for the watcher, who passes it on
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != watcher:
        os._exit(Exit.FAILED)
    code = Exit.FAILED
    try:
        sender.send(("result", work(lambda node: sender.send(("node", node)))))
        code = Exit.DONE
    except CrosswindError as error:
        sender.send(("error", error))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except BaseException:
        traceback.print_exc()
    sender.close()
    leave(code)


def _watch(process: psutil.Process, receiver: Connection, limits: Run, console: Console):
    """Follows the other process until it has a result. Raises as `supervised`."""
    node, since = "", time.monotonic()
    while True:
        try:
            if receiver.poll(PERIOD):
                kind, value = receiver.recv()
                if kind == "error":
                    raise value
                if kind == "result":
                    return value
                node, since = value, time.monotonic()
            elif not _alive(process):
                raise EOFError
        except EOFError:
            _show_failed(console, node or THE_START, since)
            words = f"{node or THE_START} ended with its process: {_death(process)}. What it wrote last is in the log."
            raise ProcessDied(words, node) from None
        if excess := _excess(process, node or THE_START, time.monotonic() - since, limits):
            _show_failed(console, node or THE_START, since)
            raise LimitExceeded(excess, node)


def _excess(process: psutil.Process, node: str, seconds: float, limits: Run) -> str:
    """Which limit is exceeded, in words; empty: none."""
    if limits.max_seconds and seconds > limits.max_seconds:
        return (
            f"{node} has run for {seconds:,.0f} s and was ended; expected {limits.max_seconds:,} s at most (run.max_seconds). "
            "The log's end shows what it did last. If it needs longer, set run.max_seconds higher, or to 0 for no limit."
        )
    if limits.max_memory_gb and (memory := _memory(process, limits.max_memory_gb)) > limits.max_memory_gb:
        return (
            f"{node} has brought the run to {memory:.1f} GB of memory and was ended; expected {limits.max_memory_gb:g} GB at "
            "most (run.max_memory_gb). Read fewer months (data.window), let Beam work elsewhere (beam.runner), or set "
            "run.max_memory_gb higher, or to 0 for no limit."
        )
    return ""


def _memory(process: psutil.Process, enough: float) -> float:
    """Gigabytes of the process and all below it.

    Resident memory counts what processes share in each of them. So where its sum is beyond `enough`, the proportional one is
    taken, which the kernel has to walk all pages for.
    """
    tree = _tree(process)
    resident = sum(_bytes(each, "rss") for each in tree) / GIGABYTE
    return resident if resident <= enough else sum(_bytes(each, "pss") for each in tree) / GIGABYTE


def _bytes(process: psutil.Process, kind: Literal["rss", "pss"]) -> int:
    """0 for a process that has just ended."""
    try:
        return process.memory_info().rss if kind == "rss" else process.memory_full_info().pss
    except psutil.Error:
        return 0


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _death(process: psutil.Process) -> str:
    try:
        code = process.wait(LEAVING)
    except psutil.TimeoutExpired:
        return "it was on its way out, and did not come to its end"
    if code == -signal.SIGKILL:
        return "killed, by the kernel for lack of memory unless somebody did it"
    return f"ended by {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"


def _show_failed(console: Console, node: str, since: float) -> None:
    if console.is_terminal:
        console.file.write("\r\x1b[2K")  # the spinner's line
    progress.show(console, "[red]failed ", node, time.monotonic() - since)


@contextlib.contextmanager
def _ended(process: psutil.Process) -> Iterator[psutil.Process]:
    """Ends it, and all below it, whatever happens: at once, but for one that is done or was interrupted."""
    patience = 0.0
    try:
        yield process
        patience = LEAVING
    except KeyboardInterrupt:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
        patience = GRACE
        raise
    except CrosswindError as error:
        patience = 0.0 if isinstance(error, LimitExceeded | ProcessDied) else LEAVING
        raise
    finally:
        try:
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(patience)
        finally:  # also after a second Ctrl-C
            for each in _tree(process):
                with contextlib.suppress(psutil.Error):
                    each.kill()
            process.wait()


@contextlib.contextmanager
def _signals_end_it() -> Iterator[None]:
    """SIGTERM and SIGHUP end this process as ever, but not before the other one."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
