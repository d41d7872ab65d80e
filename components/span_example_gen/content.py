"""Compute what is in the files of spans, by SHA-256. Imports nothing heavy."""

import contextlib
import hashlib
import json
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from components.shared import spans
from components.shared.errors import BadData
from components.shared.files import sha256, temporary_folder

Content = dict[str, dict[str, str]]  # span -> file's name -> SHA-256
Memory = dict[str, tuple[list[int], str]]  # file -> its state and SHA-256
MEMORY = TypeAdapter(Memory)
PROPERTY = "content"  # of the examples: the `totals` of what they were made from, as JSON
SETTLED = 2 * 10**9  # ns: file systems count time in steps, and a second change within one leaves no trace


def read(folder: Path, window: list[str], max_gaps: int = 0) -> Content:
    """Compute the SHA-256 of every data file of a window. Raises SpanNotFound and BadData, as `spans.files`."""
    return {span: {path.name: _sum(path) for path in paths} for span, paths in spans.files(folder, window, max_gaps).items()}


def _sum(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise BadData(
            f"{path} cannot be read: {error.strerror}. Expected a file that stays and that this user may read."
        ) from error


def totals(content: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return one sum for each span, whatever its files are called: the same files under new names teach nothing new."""
    return {span: hashlib.sha256(json.dumps(sorted(sums.values())).encode()).hexdigest() for span, sums in content.items()}


def check_unchanged(folder: Path, content: Content) -> None:
    """Raise BadData if a file was changed, added or removed since `read`."""
    now = read(folder, list(content))
    for span, sums in content.items():
        if changed := sorted(name for name in sums.keys() | now[span].keys() if sums.get(name) != now[span].get(name)):
            raise BadData(
                f"{folder}/{span}: {', '.join(changed)} changed while the run read it. Expected files that nobody writes to "
                "meanwhile. Run again when they are complete."
            )


def remembered(present: Mapping[str, list[Path]], memory: Path) -> dict[str, str]:
    """Compute `totals` of the spans that can be read. A file that is unchanged since an earlier call is not read again.

    Unchanged is a file whose device, inode, size, time of modification and time of change of status are the same: the kernel
    sets the last whenever a file is written, renamed or copied over, and no program can set it back. `git status` relies on it
    too. File systems without it (FAT, some of FUSE) keep only the time of modification. So this tells when to run; what a run
    takes from its cache is decided by `read`.

    In `present`, what is not data is ignored. `memory` is a file of the earlier sums, renewed if possible.
    """
    try:
        known = MEMORY.validate_json(memory.read_bytes())
    except (OSError, ValueError):
        known = {}
    kept: Memory = {}
    found: Content = {}
    for span, paths in present.items():
        with contextlib.suppress(OSError):
            files = (path for path in paths if spans.is_data(path) and stat.S_ISREG(path.stat().st_mode))
            found[span] = {path.name: _remembered(path, known, kept) for path in files}
    if kept != known:  # all sums are saved or none: what is not remembered is read again
        with contextlib.suppress(OSError), temporary_folder(memory.parent) as folder:
            (folder / memory.name).write_bytes(MEMORY.dump_json(kept))
            (folder / memory.name).replace(memory)
    return totals(found)


def _remembered(path: Path, known: Memory, kept: Memory) -> str:
    status = path.stat()
    state = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    is_settled = max(status.st_mtime_ns, status.st_ctime_ns) + SETTLED < time.time_ns()  # asked before it is read
    before, total = known.get(str(path), (None, ""))
    if before != state:
        total = sha256(path)
    if is_settled:
        kept[str(path)] = (state, total)
    return total
