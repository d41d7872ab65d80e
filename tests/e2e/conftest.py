"""Copies of the neutral problem and of its two runs, for whole runs that change them."""

import shutil
from pathlib import Path

import pytest
from conftest import ParcelRuns


@pytest.fixture
def problem(parcels: Path, tmp_path: Path) -> Path:
    """A copy of the neutral problem, which a test may change."""
    return Path(shutil.copytree(parcels, tmp_path / parcels.name))


@pytest.fixture
def root(parcel_runs: ParcelRuns, tmp_path: Path) -> Path:
    """A copy of what the two runs wrote: version 2, of 2024-03, is in production."""
    return Path(shutil.copytree(parcel_runs.root, tmp_path / "runs"))
