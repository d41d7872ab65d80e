"""The folder that a run writes to: held by one run at a time, which sends its output to a log."""

import atexit
import datetime
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

from rich.console import Console

from components.shared.errors import RootBusy, RootUnusable

PATTERN = "*?[\\"  # TensorFlow takes the path of a model's variables for a pattern of shell, and offers no way to quote one
PATIENCE = 2.0  # seconds: the kernel takes up to one to free a gigabyte


@contextmanager
def claimed(root: Path, lock: str = ".lock") -> Iterator[None]:
    """Hold `root`, or the part of it that `lock` stands for. The kernel releases it when the process ends, however it ends.

    Raises:
        RootUnusable: it cannot be written, or TensorFlow could not read a model in it.
        RootBusy: another run holds it.
    """
    if found := sorted({letter for letter in str(root.absolute()) if letter in PATTERN}):
        raise RootUnusable(
            f"{root.absolute()} has {' '.join(found)} in its path. TensorFlow and TensorFlow Serving take it for a pattern of "
            f"files, and load no model from there. Expected a path without {' '.join(PATTERN)}; choose another with --root."
        )
    with _writing(root):
        root.mkdir(parents=True, exist_ok=True)
        file = (root / lock).open("a+b", buffering=0)  # else closing it would try again to write what could not be written
    with file:
        if not _locked(file):
            file.seek(0)
            raise RootBusy(
                f"{root} is in use by {file.read().decode().strip() or 'another run'}. Expected one run at a time: "
                "wait for it to end, or choose another folder with --root."
            )
        # Without the arguments: a setting among them may be a password.
        held = f"process {os.getpid()} since {datetime.datetime.now():%Y-%m-%d %H:%M:%S} ({Path(sys.argv[0]).name})\n"
        with _writing(root):
            file.truncate(0)
            file.write(held.encode())
        yield


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raise RootUnusable for an OSError in the block."""
    try:
        yield
    except OSError as error:
        raise RootUnusable(
            f"{folder} cannot be written: {error}. Expected a writable folder with room in it; choose another with --root."
        ) from error


def _locked(file: IO[bytes]) -> bool:
    """Try to lock for a moment: a run that was killed may be about to release it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


def terminal() -> Console:
    """Return standard output on a descriptor of its own, since `output_to` sends the usual one to the log."""
    file = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    # rich asks the standard streams for the width, and only the input may still be the terminal.
    width = os.get_terminal_size(file.fileno()).columns if file.isatty() and not os.isatty(0) else None
    return Console(file=file, width=width)


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send standard output and error to `log`, with TensorFlow's C++ output, by file descriptor. Raises RootUnusable."""
    with _writing(log.parent):
        log.parent.mkdir(parents=True, exist_ok=True)
        file = log.open("ab", buffering=0)
    with file:
        kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        flush()
        for descriptor in kept:
            os.dup2(file.fileno(), descriptor)
        try:
            yield
        finally:
            flush()
            for descriptor, original in kept.items():
                os.dup2(original, descriptor)
                os.close(original)


def flush() -> None:
    """Write what standard output and error still hold."""
    sys.stdout.flush()
    sys.stderr.flush()


def leave(code: int) -> NoReturn:
    """End the process. Not sys.exit: after a tf.Transform analysis the interpreter may crash while it collects garbage."""
    flush()
    atexit._run_exitfuncs()  # os._exit skips them: TensorFlow's removes the sources that it wrote to /tmp
    os._exit(code)
