"""Processor seconds, for a test of what a command costs: those of a busy machine's clock would fail it."""

import resource
import subprocess
import sys
from collections.abc import Callable


def processor_seconds(work: Callable[[], object]) -> float:
    """Do the work, and return the processor seconds, user and system, of this process and of the children that ended in it."""
    before = _used()
    work()
    return _used() - before


def starts(work: Callable[[], object], times: int = 3) -> float:
    """How often a small Python could be started for what the work costs, in processor time; TensorFlow's import takes 20.

    The least of several times, for both: the first may compile bytecode, and a busy machine's caches cost the others.
    """
    return min(processor_seconds(work) for _ in range(times)) / min(processor_seconds(_start) for _ in range(times))


def _start() -> None:
    subprocess.run([sys.executable, "-c", "import pydantic, rich.console, httpx"], check=True)


def _used() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
