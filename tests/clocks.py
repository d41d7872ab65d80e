"""Processor seconds, for a test of what a command costs: those of a busy machine's clock would fail it."""

import resource
from collections.abc import Callable


def processor_seconds(work: Callable[[], object]) -> float:
    """Do the work, and return the processor seconds, user and system, of this process and of the children that ended in it."""
    before = _used()
    work()
    return _used() - before


def least_processor_seconds(work: Callable[[], object], times: int = 3) -> float:
    """Do the work several times: the first may compile bytecode, and a busy machine's caches cost the others."""
    return min(processor_seconds(work) for _ in range(times))


def _used() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
