import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.shared.errors import RootUnusable
from pipeline.local import root

HOLD = """
import sys, time
from pathlib import Path
from pipeline.local import root
with root.claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds `tmp_path`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_second_run_is_told_who_holds_the_root(tmp_path, holder):
    with (
        pytest.raises(RootUnusable, match=rf"is in use by process {holder.pid} since .*wait for it to end"),
        root.claimed(tmp_path),
    ):
        pass


def test_a_killed_run_holds_nothing(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with root.claimed(tmp_path):
        assert f"process {os.getpid()} since" in (tmp_path / ".lock").read_text()


def test_a_root_that_cannot_be_written_is_named():
    with (
        pytest.raises(RootUnusable, match=r"/proc/runs cannot be written.*choose another with --root"),
        root.claimed(Path("/proc/runs")),
    ):
        pass


def test_output_of_child_processes_goes_to_the_log_too(tmp_path, capfd):
    with root.output_to(tmp_path / "logs" / "run.log"):
        subprocess.run(["sh", "-c", "echo from a child; echo and its errors >&2"], check=True)
    print("behind it")
    assert (tmp_path / "logs" / "run.log").read_text() == "from a child\nand its errors\n"
    assert capfd.readouterr().out == "behind it\n"


@pytest.mark.parametrize("name", ["a [b]", "a*", "a?", "a\\b"])
def test_a_root_from_which_tensorflow_loads_no_model_is_refused(tmp_path, name):
    """It takes the path of a model's variables for a pattern."""
    with (
        pytest.raises(RootUnusable, match=r"in its path\. TensorFlow .* Expected a path without \* \? \[ "),
        root.claimed(tmp_path / name),
    ):
        pass
    assert not (tmp_path / name).exists()


def test_other_signs_in_a_path_are_no_pattern(tmp_path):
    with root.claimed(tmp_path / "c #%é ü'+&;]{}"):
        pass
