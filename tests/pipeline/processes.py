"""Commands as processes of their own, which end with the test."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from conftest import REPOSITORY


def started(module: str, *arguments: str | Path, python: str = sys.executable, **environment: str) -> subprocess.Popen[str]:
    """A command, its output and errors in one pipe."""
    command = [python, "-m", module, *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, env=os.environ | environment, **streams)  # type: ignore[call-overload]


def said_until(text: str, process: subprocess.Popen[str], seconds: float = 120) -> str:
    """What a process says up to the line with the text. One that does not say it in time is killed, and the test fails."""
    watch = threading.Timer(seconds, process.kill)
    watch.start()
    said = ""
    try:
        while text not in said:
            line = process.stdout.readline() if process.stdout else ""
            assert line, f"it ended, or was killed after {seconds} s, without {text!r}; it said: {said}"
            said += line
    finally:
        watch.cancel()
    return said


def done(module: str, *arguments: str | Path, python: str = sys.executable, **environment: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    process = started(module, *arguments, python=python, **environment)
    try:
        said, _ = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    return process.returncode, said


# A process that its parent leaves behind at once; its number is what is printed.
ORPHAN = ["sh", "-c", '"$@" >&- 2>&- & echo $!', "sh"]


def orphan(*command: str) -> int:
    return int(subprocess.run([*ORPHAN, *command], stdout=subprocess.PIPE, check=True).stdout)


def alive(*pids: int) -> list[int]:
    """Those that still run: at this very moment, since nothing may run on after `supervised`."""
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
