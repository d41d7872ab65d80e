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


def read(folder: Path, window: list[str]) -> Content:
    """Compute the SHA-256 of every data file of some spans. Raises SpanNotFound and BadData, as `spans.files`."""
    return {span: {path.name: _sum(path) for path in paths} for span, paths in spans.files(folder, window).items()}


def _sum(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise BadData(
            f"{path} cannot be read: {error.strerror}. Expected a file that stays and that this user may read."
        ) from error


def totals(content: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return one sum for each span, whatever its files are called: the same files under new names teach nothing new."""
    return {span: _total(list(sums.values())) for span, sums in content.items()}


def _total(sums: list[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(sums)).encode()).hexdigest()


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

    Args:
        present: the files of each span; what is not data is ignored.
        memory: a file of the earlier sums, renewed if possible.
    """
    known = _load(memory)
    kept: Memory = {}
    found = {}
    for span, paths in present.items():
        sums = []
        try:
            for path in filter(spans.is_data, paths):
                status = path.stat()
                if not stat.S_ISREG(status.st_mode):
                    continue
                touched = max(status.st_mtime_ns, status.st_ctime_ns)
                state = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
                settled = touched + SETTLED < time.time_ns()  # asked before it is read
                before = known.get(str(path))
                sums.append(before[1] if before and before[0] == state else sha256(path))
                if settled:
                    kept[str(path)] = (state, sums[-1])
        except OSError:
            continue
        found[span] = _total(sums)
    if kept != known:
        _save(memory, kept)
    return found


def _load(memory: Path) -> Memory:
    try:
        return MEMORY.validate_json(memory.read_bytes())
    except (OSError, ValueError):
        return {}


def _save(memory: Path, kept: Memory) -> None:
    """Save all sums or none: what is not remembered is read again."""
    with contextlib.suppress(OSError), temporary_folder(memory.parent) as folder:
        (folder / memory.name).write_bytes(MEMORY.dump_json(kept))
        (folder / memory.name).replace(memory)
