"""Which code this is."""

import os
import subprocess
from pathlib import Path


def git_commit() -> str:
    """Return the commit of this checkout, marked if files differ from it; outside one the image's GIT_COMMIT, or "unknown"."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("GIT_COMMIT") or "unknown"
