import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from components.shared.files import locked

LOCKS = """
import os, sys
from pathlib import Path
from components.shared.files import locked
os.setuid(65534)
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root has files that another user may not write")
def test_a_lock_is_waited_for_by_who_may_not_write_to_it(tmp_path_factory):
    """As by an operator who promotes what another user has published."""
    folder = Path(f"/tmp/{tmp_path_factory.getbasetemp().name}-{os.getpid()}")
    folder.mkdir(mode=0o755)
    lock = folder / ".lock"
    try:
        with locked(lock):
            lock.chmod(0o644)
            command = [sys.executable, "-c", LOCKS, str(lock)]
            other = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(timeout=1)
        assert other.communicate(timeout=30)[0] == "locked\n"
        assert other.returncode == 0
    finally:
        lock.unlink()
        folder.rmdir()
