"""A folder that has the made problem alone, at the relative path that it has in a checkout, as in the cluster's image."""

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

from pipeline import config
from pipeline.config import Config
from tests import neutral

PROBLEM = Path("parcels")


@functools.cache
def folder() -> Path:
    """It is removed when these tests end, and not when a fork of them does."""
    made, owner = Path(tempfile.mkdtemp()), os.getpid()
    atexit.register(lambda: shutil.rmtree(made) if os.getpid() == owner else None)
    neutral.write(made / PROBLEM, months=neutral.MONTHS[:1], each=50)
    return made


def inside() -> contextlib.chdir:
    """For the time of a block this process works there."""
    return contextlib.chdir(folder())


def configured(*settings: str) -> Config:
    """The configuration of the problem, with these settings."""
    with inside():
        return config.load(problem=PROBLEM, overrides=list(settings))
