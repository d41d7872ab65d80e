"""A command of the preloaded Python is the command: its arguments, streams, folder, environment, signals and code."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from components.canary.server import free_ports
from tests import preloaded
from tests.pipeline.processes import said_until


@pytest.mark.parametrize("python", [sys.executable, preloaded.PYTHON])
def test_arguments_streams_and_codes(python, tmp_path):
    command = [python, "-m", "pipeline.local_runner", "--root", str(tmp_path / "ru ns"), "--set", "data.window=x"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert "--set data.window: data.window = 'x'" in " ".join(done.stdout.split())


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server(end, parcel_runs):
    command = [preloaded.PYTHON, "-m", "serving.local_server", "--models", str(parcel_runs.serving.parent)]
    port, rest_port = free_ports()
    command += ["--port", str(port), "--rest_api_port", str(rest_port)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said_until("http://", process)
        process.send_signal(end)
        assert process.wait(60) == (-end if end == signal.SIGKILL else 0)
    finally:
        process.kill()


def test_what_is_not_as_in_this_checkout_starts_afresh(tmp_path):
    script = "import os, sys; print(os.getcwd(), 'tensorflow' in sys.modules)"
    done = subprocess.run(
        [preloaded.PYTHON, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"{os.path.realpath(tmp_path)} False\n"
