"""What a long process does about memory: seldom look for cyclic garbage, and give back to the system what is free."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATIONS = 200_000  # Python's own: 700
LIBC = ctypes.CDLL(None)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """For a Beam job on this machine: the cyclic garbage collector starts after `ALLOCATIONS` new objects.

    Building a job's graphs makes millions that stay, beside all of TensorFlow's and Beam's, and the collector goes through them
    again and again: 5 % of the processor time that Transform takes for three months.
    """
    before = gc.get_threshold()
    gc.set_threshold(ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        give_back()


def give_back() -> None:
    """Gives freed memory back to the system: glibc keeps what lies between pieces that are in use (malloc_trim(3))."""
    LIBC.malloc_trim(0)
