"""Commands in a terminal of their own, and what a person sees there."""

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

TOKEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.?|[^\x1b]")
COLOUR, CURSOR = re.compile(r"\x1b\[[0-9;]*m"), ("\x1b[?25l", "\x1b[?25h")  # these move nothing


@dataclass(frozen=True)
class Seen:
    """How a command ended, and what it wrote to its terminal of so many columns."""

    code: int
    raw: str
    columns: int

    @property
    def screen(self) -> list[str]:
        """The lines as they stand in the end, without colours and trailing spaces."""
        return rendered(self.raw, self.columns)

    @property
    def text(self) -> str:
        """The same, with no line broken where the terminal ends."""
        return "\n".join(rendered(self.raw, len(self.raw)))


def in_terminal(command: list[str], *, columns: int = 80, seconds: float = 900, until: str = "", **options) -> Seen:
    """Runs a command in a terminal, which is its input too, and waits for its end.

    Args:
        command: with its arguments.
        columns: that the terminal has.
        seconds: after which it is killed, and the test fails.
        until: what it says before it gets SIGINT, as by Ctrl-C; empty: it ends by itself.
        options: of subprocess.Popen.
    """
    with _terminal(columns) as (ours, theirs):
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **options)
        os.close(theirs)
        try:
            said = b""
            for chunk in _until_the_end(ours, time.monotonic() + seconds):
                said += chunk
                if until and until in said.decode(errors="ignore"):
                    process.send_signal(signal.SIGINT)
                    until = ""
            code = process.wait(timeout=10)
        finally:
            process.kill()
            process.wait(timeout=10)
    return Seen(code, said.decode(), columns)


def forked_in_terminal(work: Callable[[], int], *, columns: int = 80, seconds: float = 300, **environment: str) -> Seen:
    """Does work, which returns an exit code, in a fork of this process in a terminal: with what is imported already."""
    with _terminal(columns) as (ours, theirs):
        pid = os.fork()
        if pid == 0:
            os._exit(_work_in(theirs, work, environment))
        os.close(theirs)
        try:
            said = b"".join(_until_the_end(ours, time.monotonic() + seconds))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # it has ended, unless it hangs
            _, status = os.waitpid(pid, 0)
    return Seen(os.waitstatus_to_exitcode(status), said.decode(), columns)


def _work_in(terminal: int, work: Callable[[], int], environment: dict[str, str]) -> int:
    os.setsid()
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: SIM115
    os.environ.update(environment)
    try:
        return work()
    except BaseException:
        traceback.print_exc()
        return 1


@contextlib.contextmanager
def _terminal(columns: int) -> Iterator[tuple[int, int]]:
    """Our side of a terminal and theirs, which is left open."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        yield ours, theirs
    finally:
        os.close(ours)


def _until_the_end(terminal: int, deadline: float):
    while True:
        left = deadline - time.monotonic()
        assert left > 0 and select.select([terminal], [], [], left)[0], "the command did not come to its end"
        with contextlib.suppress(OSError):  # EIO: nobody has the other side any more
            if chunk := os.read(terminal, 1 << 16):
                yield chunk
                continue
        return


def rendered(raw: str, columns: int) -> list[str]:
    """What a terminal makes of it. Of control sequences it knows those that a command may use."""
    lines, row, column = [""], 0, 0
    for part in TOKEN.findall(raw):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part == "\x1b[1A":
            row = max(0, row - 1)
        elif not (COLOUR.fullmatch(part) or part in CURSOR):
            assert part.isprintable(), f"{part!r} is no sequence that a line needs"
            if column == columns:
                row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            lines[row] = f"{lines[row][:column]:<{column}}{part}{lines[row][column + 1 :]}"
            column += 1
        lines += [""] * (row + 1 - len(lines))
    return [line.rstrip() for line in lines]
