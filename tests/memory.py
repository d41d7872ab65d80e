"""Resident memory of processes, from /proc, and how it grows while something runs."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def resident_mb(name: str, process: int | str = "self") -> float:
    """VmHWM, the peak of a process's resident memory, or VmRSS, the present one; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e6


def below_this() -> list[tuple[str, float]]:
    """Command line and resident memory in MB of the processes that this one has started, and those of theirs."""
    parents, commands = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(line.split(":", 1) for line in (path / "status").read_text().splitlines())
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
        parents[int(path.name)] = int(status["PPid"])
        commands[int(path.name)] = command
    below = []
    for process, command in commands.items():
        above = parents[process]
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid():
            below.append((command, resident_mb("VmRSS", process)))
    return below


@contextmanager
def watched(look: Callable[[], object], seconds: float) -> Iterator[None]:
    """Calls `look` each so many seconds while the `with` lasts, and once more at its end."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(seconds):
            look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        look()
