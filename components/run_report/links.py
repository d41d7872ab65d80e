"""Link a page to what lies beside it, as long as it lies where the run wrote it."""

import os
from pathlib import Path
from urllib.parse import quote


def to(place: str, folder: Path | None) -> str:
    """Return the relative address of a file or folder of this machine from a page's folder; empty if there is none."""
    if folder is None or not place.startswith("/"):
        return ""
    return quote(os.path.relpath(place, folder.absolute()))
