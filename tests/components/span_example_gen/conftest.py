"""Spans of made rows."""

from pathlib import Path

import pytest


@pytest.fixture
def months(parcels: Path) -> Path:
    """The neutral problem's spans, 1,000 rows each; not to be written to."""
    return parcels / "spans"
