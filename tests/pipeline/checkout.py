"""A folder that has the made problem alone, at the relative path that it has in a checkout, as in the cluster's image."""

import contextlib
import functools
import tempfile
from pathlib import Path

from pipeline import config
from pipeline.config import Config
from tests import neutral

PROBLEM = Path("parcels")


@functools.cache
def _made() -> tempfile.TemporaryDirectory:
    """Its folder is removed when the tests end."""
    folder = tempfile.TemporaryDirectory()
    neutral.write(folder.name / PROBLEM, months=neutral.MONTHS[:1], each=50)
    return folder


def folder() -> Path:
    return Path(_made().name)


def inside() -> contextlib.chdir:
    """For the time of a block this process works there."""
    return contextlib.chdir(folder())


def configured(*settings: str) -> Config:
    """The configuration of the problem, with these settings."""
    with inside():
        return config.load(problem=PROBLEM, overrides=list(settings))
