"""A local server on free ports, ended whatever happens: as a process of its own, or in a thread of this one."""

import asyncio
import json
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from unittest import mock

import httpx
from rich.console import Console

from components.canary.server import Server, free_ports, starting
from serving.local_server import parse
from tests import neutral
from tests.stubs import answering

MODEL = neutral.PROBLEM.model
FLAGS = ("--port={port}", "--rest_api_port={rest_port}", "--file_system_poll_wait_seconds=0.2")


@contextmanager
def serving(models: Path, *flags: str, model: str = MODEL) -> Iterator[Server]:
    """Serves a folder of models until the end of the `with`, from the time on that one of them answers."""
    command = [sys.executable, "-m", "serving.local_server", *FLAGS, f"--models={models}", *flags]
    with tempfile.TemporaryDirectory() as folder, starting(command, models, model, Path(folder) / "log") as server:
        server.wait_until_loaded(120)
        yield server


class Loop(asyncio.SelectorEventLoop):
    """Of a thread, which gets no signals: what a signal would call is `end`, and `ready` is set once it is known."""

    def __init__(self):
        super().__init__()
        self.ready, self.end = threading.Event(), None

    def add_signal_handler(self, _, callback):
        self.end = callback
        self.ready.set()


@contextmanager
def serving_here(models: Path, *flags: str, host: str = "127.0.0.1") -> Iterator[Server]:
    """Serves as `serving` does, without a process: its imports cost 10 s. What it logs and says is in `log`."""
    from serving.server import run  # noqa: PLC0415  # TensorFlow

    ports = free_ports()
    addresses = [run.address(host, port) for port in ports]
    flags = (f"--host={host}", f"--port={ports[0]}", f"--rest_api_port={ports[1]}", *flags)
    options = parse([f"--models={models}", "--file_system_poll_wait_seconds=0.05", *flags])
    loop, logger = Loop(), logging.getLogger("serving")
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(logging, "basicConfig"):
        log = Path(folder) / "log"
        handler = logging.FileHandler(log)
        logger.addHandler(handler)
        with log.open("a", buffering=1) as said:
            thread = threading.Thread(target=lambda: loop.run_until_complete(run.serve(options, Console(file=said))))
            thread.start()
            try:
                until(lambda: loop.ready.is_set() or not thread.is_alive(), 120)
                assert loop.ready.is_set(), "the server has ended"
                yield Server(None, *addresses, MODEL, log, time.monotonic())
            finally:
                if loop.end:
                    loop.call_soon_threadsafe(loop.end)
                thread.join()
                loop.close()
                logger.removeHandler(handler)
                handler.close()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not become true in time"
        time.sleep(0.02)


def copy_version(source: Path, models: Path, number: int = 1) -> Path:
    """A published version as version `number` of its model, in a folder of models."""
    folder = models / source.parent.name / str(number)
    shutil.copytree(source, folder)
    return folder


def state(server: Server, version: int) -> str:
    """Of a version; empty while the server does not know it."""
    response = httpx.get(f"http://{server.rest}/v1/models/{server.model}")
    found = {int(status["version"]): status for status in response.json()["model_version_status"]}
    return found[version]["state"] if version in found else ""


@contextmanager
def stubbed(state: str = "LOADING") -> Iterator[tuple[str, threading.Event]]:
    """A stub of a server that has every version in one state for ever: its URL, and what is set once it was asked."""
    asked = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            """Says nothing."""

        def do_GET(self):
            status = {"version": self.path.rpartition("/")[2], "state": state, "status": {}}
            body = json.dumps({"model_version_status": [status]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            asked.set()

    with answering(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}", asked
