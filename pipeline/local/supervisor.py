"""Run nodes in a process of its own, under limits. A node that hangs is ended and named, even in C code with Python's lock.

The process that watches imports no TensorFlow; the other is a fork of it, which takes milliseconds.
"""

import contextlib
import ctypes
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn, TypeVar

import psutil  # type: ignore[import-untyped]
from rich.console import Console

from components.shared.errors import CrosswindError, Exit, LimitExceeded, ProcessDied
from pipeline.local.progress import THE_START, Ended, Screen, Tell
from pipeline.local.root import flush, leave
from pipeline.shared.sections import Run

Result = TypeVar("Result")
PERIOD = 1.0  # seconds between two looks
GRACE = 5.0  # seconds to end after Ctrl-C; TensorFlow may need them
LEAVING = 60.0  # seconds to end after the work is done
GIGABYTE = 1e9
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AskedToEnd(SystemExit):
    """Raised when a signal, called `name`, asks this process to end."""

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


def supervised(work: Callable[[Tell], Result], limits: Run, console: Console) -> Result:
    """Do work in a process of its own, which ends with this one whatever ends it.

    Args:
        work: gets a function to tell events of nodes to. What it returns or raises must be picklable, and it writes
            nothing to the terminal, where this process writes.
        limits: `max_seconds` of a node, `max_memory_gb` of the process and all below it.
        console: shows the nodes.

    Raises:
        LimitExceeded: a node took more than it may.
        ProcessDied: the process ended without a result.
        CrosswindError: the one that the work raised.
    """
    receiver, sender = Pipe(duplex=False)
    flush()
    watcher = os.getpid()
    others = set(psutil.Process().children(recursive=True))
    with receiver, _orphans_come_here(), signals_end_it():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # until somebody is there to end what is started here
        pid = os.fork()
        if pid == 0:
            _work(work, sender, watcher, mask)
        sender.close()
        with _ended(psutil.Process(pid), others) as process, Screen(console) as screen:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            try:
                return _watch(process, others, receiver, limits, screen)
            except (LimitExceeded, ProcessDied):
                screen.tell(Ended("failed"))  # before the first node too
                raise


def _work(work: Callable[[Tell], object], sender: Connection, watcher: int, mask: set[int | signal.Signals]) -> NoReturn:
    """Do the work, in the other process."""
    for number in _heeded():
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.setsid()  # Ctrl-C is for the watcher, who passes it on
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != watcher:
        os._exit(Exit.FAILED)
    code = Exit.FAILED
    try:
        sender.send(("result", work(lambda event: sender.send(("event", event)))))
        code = Exit.DONE
    except CrosswindError as error:
        sender.send(("error", error))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except BaseException:
        traceback.print_exc()
    sender.close()
    leave(code)


def _watch(process: psutil.Process, others: set[psutil.Process], receiver: Connection, limits: Run, screen: Screen):
    """Follow the other process until it has a result. Raises like `supervised`."""
    looked = 0.0
    while True:
        try:
            if receiver.poll(PERIOD):
                kind, value = receiver.recv()
                if kind == "error":
                    raise value
                if kind == "result":
                    return value
                screen.tell(value)
            elif process.status() == psutil.STATUS_ZOMBIE:
                raise EOFError
        except EOFError:
            words = f"{screen.node or THE_START} ended with its process: {_death(process)}. What it wrote last is in the log."
            raise ProcessDied(words, screen.node) from None
        if time.monotonic() - looked >= PERIOD:  # steps may come more often
            looked = time.monotonic()
            screen.look()
            if excess := _excess(others, screen.node or THE_START, looked - screen.since, limits):
                raise LimitExceeded(excess, screen.node)


def _excess(others: set[psutil.Process], node: str, seconds: float, limits: Run) -> str:
    """Say which limit is exceeded; empty if none is."""
    if limits.max_seconds and seconds > limits.max_seconds:
        return (
            f"{node} has run for {seconds:,.0f} s and was ended; expected {limits.max_seconds:,} s at most (run.max_seconds). "
            "The log's end shows what it did last. If it needs longer, set run.max_seconds higher, or to 0 for no limit."
        )
    if limits.max_memory_gb and (memory := _memory(others, limits.max_memory_gb)) > limits.max_memory_gb:
        return (
            f"{node} has brought the run to {memory:.1f} GB of memory and was ended; expected {limits.max_memory_gb:g} GB at "
            "most (run.max_memory_gb). Read fewer spans (data.window), let Beam work elsewhere (beam.runner), or set "
            "run.max_memory_gb higher, or to 0 for no limit."
        )
    return ""


def _memory(others: set[psutil.Process], enough: float) -> float:
    """Return the memory, in gigabytes, of all that the run has started.

    Resident memory counts shared pages once in each process. So where its sum is beyond `enough`, the proportional one is
    taken, for which the kernel has to walk all pages.
    """
    run, total = _started(others), 0.0
    for measure in (lambda each: each.memory_info().rss, lambda each: each.memory_full_info().pss):
        total = 0.0
        for each in run:
            with contextlib.suppress(psutil.Error):  # it has just ended
                total += measure(each) / GIGABYTE
        if total <= enough:
            break
    return total


def _started(others: set[psutil.Process]) -> list[psutil.Process]:
    """List what the run has started, its process first, parents before children; `others` were there before."""
    found = []
    for child in psutil.Process().children():
        if child not in others:
            found.append(child)
            with contextlib.suppress(psutil.Error):
                found += child.children(recursive=True)
    return found


def _death(process: psutil.Process) -> str:
    try:
        code = process.wait(LEAVING)
    except psutil.TimeoutExpired:
        return "it was on its way out, and did not come to its end"
    if code == -signal.SIGKILL:
        return "killed, by the kernel for lack of memory unless somebody did it"
    return f"ended by {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"


@contextlib.contextmanager
def _ended(process: psutil.Process, others: set[psutil.Process]) -> Iterator[psutil.Process]:
    """Yield a process, then end it and all that it started: at once, unless it is done or was interrupted."""
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
            _kill(others)


def _kill(others: set[psutil.Process]) -> None:
    """Kill what the run has started until nothing of it is left. Signals wait for that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        while left := _started(others):  # again, for what was started meanwhile
            for each in left:
                with contextlib.suppress(psutil.Error):
                    each.kill()
            for each in left:
                with contextlib.suppress(ChildProcessError):  # one whose parent is still there
                    os.waitpid(each.pid, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _orphans_come_here() -> Iterator[None]:
    """Adopt processes below this one that lose their parent, which would else become init's and out of reach."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))
    try:
        yield
    finally:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(0))


def _heeded() -> list[signal.Signals]:
    """Return those of SIGTERM and SIGHUP that are not ignored, as they are under nohup."""
    return [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]


@contextlib.contextmanager
def signals_end_it() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise AskedToEnd, so that this process ends after what it has started."""
    asked = False

    def end(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if not asked:  # a second one must not disturb the end
            asked = True
            raise AskedToEnd(number)

    before = {number: signal.signal(number, end) for number in _heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
