"""Processes that are started beside gRPC's threads, and end with whoever has started them."""

import os
import signal
import subprocess
import sys
import time
from concurrent import futures

import grpc
import psutil  # type: ignore[import-untyped]
import pytest
from conftest import REPOSITORY

from components.shared import processes

PARENT = """
import sys, time
from components.shared import processes

print(processes.start(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def channel():
    """gRPC at work in this process, which has handlers for forks then."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as made:
        grpc.channel_ready_future(made).result(timeout=30)
        yield made
    server.stop(0)


def test_a_start_forks_nothing_of_this_process(channel):
    """No handler for forks runs, Python's or (registered in C, and called by fork only) gRPC's."""
    ran = []
    os.register_at_fork(before=lambda: ran.append("before"))  # for good: it must do no harm to later tests
    assert [processes.start(["true"]).wait(20) for _ in range(20)] == [0] * 20
    assert ran == []


def test_it_is_the_command_itself_in_a_session_of_its_own():
    started = processes.start(
        [sys.executable, "-c", "print(open('/proc/self/stat').read())"], stdout=subprocess.PIPE, text=True
    )
    fields = started.communicate(timeout=20)[0].rpartition(")")[2].split()
    assert int(fields[3]) == started.pid, "the session"
    assert started.returncode == 0


def test_it_ends_with_the_process_that_has_started_it():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        child = psutil.Process(int(parent.stdout.readline()))
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.communicate()
    end = time.monotonic() + 5
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.05)
