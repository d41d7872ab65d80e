"""How a command begins and ends: this machine is called without a proxy; an error that a user can act on is one message.

The exit codes are `components.errors.Exit`.
"""

import argparse
from collections.abc import Callable

from rich.console import Console

from components import network
from components.errors import CrosswindError, Exit, exit_code


def ended(work: Callable[[], int | None], console: Console, interrupted: str = "Interrupted.") -> int:
    """Does the work of a command.

    Args:
        work: returns an exit code, or None for `Exit.DONE`. Raises CrosswindError.
        console: where the command speaks.
        interrupted: what is said after Ctrl-C.

    Returns:
        The exit code of the work, else that of the error or interruption that ended it.
    """
    network.spare_this_machine()
    try:
        return work() or Exit.DONE
    except CrosswindError as error:
        say(error, console)
        return exit_code(error)
    except KeyboardInterrupt:
        console.print(interrupted)
        return Exit.INTERRUPTED


def filled(text: str) -> str:
    """Of an argument that must not be empty, as that of a variable that is not set. Raises ArgumentTypeError."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; expected a value, or no such argument.")
    return text


def say(error: CrosswindError, console: Console) -> None:
    """Prints the error's title and message, as it is: brackets in it are no markup, and no line is broken."""
    console.print(f"[red bold]{error.title}:[/] ", end="", soft_wrap=True)
    console.print(str(error), markup=False, highlight=False, soft_wrap=True)
