"""Check the SQLite file of ML Metadata before TFX or a page reads it: neither says what to do. Imports nothing heavy."""

import sqlite3
from contextlib import closing
from pathlib import Path

from components.shared.errors import RootUnusable

PATIENCE = 10.0  # seconds: ML Metadata's transactions take milliseconds, a copy of the file a few seconds


def exists(path: Path) -> bool:
    """Tell whether a run has written to it: a process that is killed early leaves an empty file."""
    return path.exists() and path.stat().st_size > 0


def check(path: Path, *, to_write: bool, patience: float = PATIENCE) -> None:
    """Raise RootUnusable if a file is locked, read-only or no complete database; TFX makes the tables of an empty one.

    If a run will write to it, nobody else may. `patience` is in seconds, for a process that has locked it.
    """
    if not exists(path):
        return
    try:
        with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE" if to_write else "BEGIN")
            [found] = database.execute("PRAGMA quick_check(1)").fetchone()
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise RootUnusable(
            f"{path} cannot be {'written' if to_write else 'read'}: {error}. Expected the file of all runs, writable and free. "
            "End whatever holds it (`fuser` names it), correct the rights, or choose another folder with --root."
        ) from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise RootUnusable(
            f"{path} is damaged: {' '.join(found.split())}. Expected ML Metadata's SQLite file of all runs. Put a backup in "
            "its place, or move it away, and the folder artifacts beside it, whose numbers it has: what is published stays in "
            "production, and the next run begins anew, with that model's span."
        )
