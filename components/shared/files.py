"""Durable, atomic writes: a reader sees all of a file or folder, or none of it."""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"


def sha256(path: Path) -> str:
    """Compute the hex SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(folder: Path) -> list[Path]:
    """List every file below `folder`, as sorted relative paths."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def fsync(path: Path) -> None:
    """Force a file's bytes, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Force everything below `folder` to the disk, `folder` last."""
    for path in sorted(folder.rglob("*"), reverse=True):
        fsync(path)
    fsync(folder)


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Yield a folder on the same file system as `parent`, which is removed at the end unless it was renamed."""
    folder = parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, waiting for it; the kernel frees it even after a SIGKILL."""
    try:
        file = path.open("a")
    except PermissionError:
        file = path.open()  # another user made it: locking needs no right to write
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
