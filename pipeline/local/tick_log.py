"""Log the schedule: `retrain.log` with a JSON line a tick, the output of ticks, the notify command."""

import logging.handlers
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from components.shared.errors import BadConfig
from pipeline.config import Config
from pipeline.local.outcome import Outcome

NOTHING = "nothing_to_do"  # the outcome of a tick without a run
LOG_BYTES, LOG_FILES = 1 << 20, 5  # before a log is rotated; kept files
NOTIFY_SECONDS = 60


class Tick(BaseModel):
    """One line of `retrain.log`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: str  # of its end, UTC, ISO 8601
    outcome: str  # NOTHING, or an `Exit` in lower case
    exit_code: int
    message: str = ""
    runs: list[Outcome] = []
    waiting: list[str] = []  # spans that arrived before others of their window
    superseded: list[str] = []  # spans that are not run, since a newer one was learned before they arrived or changed
    changed: list[str] = []  # spans whose files changed since they were learned
    incomplete: list[str] = []  # spans that are not whole yet
    seconds: float = 0.0


def write(line: Tick, config: Config | None) -> None:
    """Print the tick, add it to `retrain.log`, and hand it to the notify command; without a `config` only print it."""
    text = line.model_dump_json() + "\n"
    try:
        print(text, end="", flush=True)  # noqa: T201
    except OSError:  # --log is on a full disk; the log and the command must hear of it all the same
        append_output_to(Path(os.devnull))  # what the streams still hold would be written again at the end
    if config is None:
        return
    try:
        with _opened(config.root / "retrain.log", len(text)) as file:
            file.write(text.encode())
    except OSError as error:
        print(f"retrain.log cannot be written: {error}", file=sys.stderr)  # noqa: T201
    if config.schedule.notify and line.outcome not in (NOTHING, "busy"):
        _notify(config.schedule.notify, text)


def append_output_to(log: Path) -> None:
    """Append standard output and error, with those of the runs, to `log`, rotated first if it is full. Raises BadConfig."""
    try:
        file = _opened(log)
    except OSError as error:
        raise BadConfig(f"--log {log} cannot be written: {error}. Expected a file in a writable folder.") from error
    with file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)


def _opened(log: Path, more: int = 0) -> BinaryIO:
    """Open a log at its end, rotated first if `more` bytes would fill it. Raises OSError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size + more >= LOG_BYTES:
        logging.handlers.RotatingFileHandler(log, backupCount=LOG_FILES, delay=True).doRollover()
    return log.open("ab")


def _notify(command: str, text: str) -> None:
    """Start the command with the line on its standard input. Its failure must not fail the tick."""
    try:
        subprocess.run(shlex.split(command), input=text, text=True, timeout=NOTIFY_SECONDS, check=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"schedule.notify failed: {_why(error)}", file=sys.stderr)  # noqa: T201


def _why(error: Exception) -> str:
    """Describe an error without the command, which may hold a password."""
    match error:
        case subprocess.CalledProcessError():
            return f"the command ended with exit code {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"the command took more than {NOTIFY_SECONDS} s and was ended"
        case OSError():
            return error.strerror or type(error).__name__  # its text has the command's first word
    return str(error)
