"""Run a model server as a process of its own, which ends whatever happens to it or to us."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from components.canary.checks import Fault
from components.shared import network, processes
from components.shared.errors import BadConfig

MEGABYTE = 1e6


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen
    grpc: str  # host:port
    rest: str  # host:port
    model: str  # as a request names it
    log: Path  # its output
    since: float  # its start, by the monotonic clock

    def memory(self) -> tuple[float, float]:
        """Return the resident memory now, and at its peak, in megabytes. Raises Fault if the process has ended."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
            found = {name: int(kib) * 1024 / MEGABYTE for name, kib in re.findall(r"(\w+):\s+(\d+) kB", status)}
            return found["VmRSS"], found["VmHWM"]
        except (OSError, KeyError) as error:
            raise self.fault("") from error

    def fault(self, what: str) -> Fault:
        """Make the error that says what it did, and how it ended, or that it is alive."""
        try:
            code = self.process.wait(1)
        except subprocess.TimeoutExpired:
            return Fault(f"{what}the server is alive")
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        said = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        # Only the kernel, for lack of memory, or a person kills with that one.
        return Fault(f"{what}the server {how}; its last words: {said[0][:300]}", of_machine=code == -signal.SIGKILL)

    def wait_until_loaded(self, seconds: float) -> None:
        """Wait. Raises Fault if it ends, cannot load the model, or takes more than `seconds` from its start."""
        until = self.since + seconds
        state = "no answer yet"
        with network.web(f"http://{self.rest}", 1) as web:
            while time.monotonic() < until:
                if self.process.poll() is not None:
                    raise self.fault("while it was loaded ")
                try:
                    status = web.get(f"/v1/models/{self.model}").json()["model_version_status"][0]
                    state = status["state"]
                    if state == "AVAILABLE":
                        return
                    if state == "END":
                        raise Fault(f"the server cannot load it: {status['status']['error_message']}")
                except (httpx.HTTPError, ValueError, LookupError):
                    pass
                time.sleep(0.1)
        raise Fault(f"the server has not loaded it within {seconds:g} s; state: {state}")


@contextmanager
def starting(command: list[str], versions: Path, model: str, log: Path) -> Iterator[Server]:
    """Yield a server that may not have loaded the model yet; it ends with the `with`.

    Args:
        command: with {port}, {rest_port}, {name} and {folder} for TensorFlow Serving's flags of these meanings.
        versions: folder of the model's versions.
        model: its name.
        log: file for the server's output.

    Raises:
        BadConfig: there is no such program.
    """
    if not shutil.which(command[0]):
        raise BadConfig(f"canary.command starts {command[0]!r}, which is not there; expected a program in PATH.")
    port, rest_port = free_ports()
    arguments = [part.format(port=port, rest_port=rest_port, name=model, folder=versions) for part in command]
    since = time.monotonic()
    with log.open("wb") as file:
        process = processes.start(arguments, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield Server(process, f"127.0.0.1:{port}", f"127.0.0.1:{rest_port}", model, log, since)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_ports() -> tuple[int, int]:
    """Return two ports of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]
