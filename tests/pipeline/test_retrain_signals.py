"""A tick that a signal ends, and a run that one ends alone."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import REPOSITORY

from components.shared.errors import Exit

# A run that takes no time to start and does not listen to Ctrl-C, watched as the real one is.
DEAF_RUN = """
import os, subprocess, sys, time
if "pipeline.local_runner" in sys.orig_argv:
    sys.path.insert(0, os.getcwd())
    from rich.console import Console
    from pipeline.shared.sections import Run
    from pipeline.local.supervisor import supervised

    def work(_):
        print(os.getppid(), os.getpid(), subprocess.Popen(["sleep", "600"]).pid, flush=True)
        while True:
            try:
                time.sleep(600)
            except KeyboardInterrupt:
                pass

    try:
        supervised(work, Run(root="runs", max_seconds=0, max_memory_gb=0), Console())
    finally:
        os._exit(1)
"""


@pytest.mark.parametrize(
    ("number", "to_all", "told"),
    [
        (signal.SIGTERM, False, "SIGTERM"),
        (signal.SIGTERM, True, "SIGTERM"),
        (signal.SIGHUP, False, "SIGHUP"),
        (signal.SIGINT, False, "Ctrl-C"),
        (signal.SIGINT, True, "Ctrl-C"),
    ],
)
def test_with_a_stand_in_for_runs_a_tick_that_a_signal_ends_ends_its_run_and_says_so(given, tmp_path, number, to_all, told):
    """As `kill` does it, systemd, a terminal that is closed, and Ctrl-C in one."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(DEAF_RUN)
    # Whether or not nohup has started the tests.
    command = ["env", "--default-signal=HUP", sys.executable, "-m", "pipeline.retrain", *given]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "path")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    tick = subprocess.Popen(command, cwd=REPOSITORY, text=True, env=environment, start_new_session=True, **streams)
    pids = []
    try:
        pids = [int(pid) for pid in tick.stdout.readline().split()]
        (os.killpg if to_all else os.kill)(tick.pid, number)
        assert tick.wait(timeout=120) == Exit.INTERRUPTED
        printed = tick.stdout.read()
        assert len(pids) == 3
        assert not any(psutil.pid_exists(pid) for pid in pids)
    finally:
        for pid in (tick.pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        tick.wait()
        tick.stdout.close()
    line = json.loads((tmp_path / "runs" / "retrain.log").read_text())
    assert json.loads(printed.splitlines()[-1]) == line
    assert (line["outcome"], line["exit_code"]) == ("interrupted", Exit.INTERRUPTED)
    assert line["message"].startswith(f"{told}; the next tick resumes")


def test_a_run_that_was_interrupted_alone_interrupts_the_tick(given, call, tmp_path, monkeypatch):
    (tmp_path / "path").mkdir()
    code = 'import os, sys; "pipeline.local_runner" in sys.orig_argv and os._exit(130)'
    (tmp_path / "path" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    code, said = call("pipeline.retrain", *given)
    assert (code, json.loads(said)["runs"][0]["outcome"]) == (Exit.INTERRUPTED, "interrupted")
