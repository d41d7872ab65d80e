"""Begin and end a command: this machine is called without a proxy; an error that a user can act on is one message.

The exit codes are `components.shared.errors.Exit`.
"""

import argparse
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from components.shared import network
from components.shared.errors import CrosswindError, Exit, exit_code


def ended(work: Callable[[], Exit | None], console: Console, interrupted: str = "Interrupted.") -> Exit:
    """Do the work of a command, and return its exit code, or that of the error or interruption that ended it.

    The last line printed explains the code: make ends with 2 whatever a command ended with. `work` returns None for
    `Exit.DONE`; `interrupted` is the message after Ctrl-C.
    """
    network.spare_this_machine()
    try:
        code = work() or Exit.DONE
    except CrosswindError as error:
        say(error, console)
        code = exit_code(error)
    except KeyboardInterrupt:
        console.print(interrupted)
        code = Exit.INTERRUPTED
    if code != Exit.DONE:
        console.print(f"Exit code {code.value}: {code.meaning}.", highlight=False, soft_wrap=True)
    return code


def filled(text: str) -> str:
    """Accept an argument that is not empty, as that of an unset variable is. Raises ArgumentTypeError."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; expected a value, or no such argument.")
    return text


def whole(text: str) -> int:
    """Parse an argument that is a version or a number of things, 1 or more. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}; expected 1 or more.")
    return int(text)


def seconds(text: str) -> float:
    """Parse an argument that is a time to wait in seconds, above 0. Raises ArgumentTypeError."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"{text}; expected a number above 0.")
    return found


def file(text: str) -> Path:
    """Parse an argument that is a file to read. Raises ArgumentTypeError."""
    path = Path(text)
    if not os.access(path, os.R_OK) or path.is_dir():  # a pipe works as well as a file
        raise argparse.ArgumentTypeError(f"{text!r}; expected a file that is there and can be read.")
    return path


def say(error: CrosswindError, console: Console) -> None:
    """Print the error's title and message as they are: brackets are no markup, and no line is broken."""
    console.print(f"[red bold]{error.title}:[/] ", end="", soft_wrap=True)
    console.print(str(error), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drop what is written to the standard error, also by C++: TensorFlow greets at any log level."""
    original = os.dup(2)
    with Path(os.devnull).open("w", encoding="ascii") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
