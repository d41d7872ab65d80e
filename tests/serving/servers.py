"""A local server as a process of its own, on free ports, ended whatever happens."""

import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx

from components.canary.server import Server, starting
from tests.stubs import answering

MODEL = "flight_delay"
FLAGS = ("--port={port}", "--rest_api_port={rest_port}", "--file_system_poll_wait_seconds=0.2")


@contextmanager
def serving(models: Path, *flags: str) -> Iterator[Server]:
    """Serves a folder of models until the end of the `with`."""
    command = [sys.executable, "-m", "serving.local_server", *FLAGS, f"--models={models}", *flags]
    with tempfile.TemporaryDirectory() as folder, starting(command, models, MODEL, Path(folder) / "log") as server:
        server.wait_until_loaded(120)
        yield server


def copy_version(source: Path, models: Path, number: int = 1) -> Path:
    """A published version as version `number` of a folder of models."""
    folder = models / MODEL / str(number)
    shutil.copytree(source, folder)
    return folder


def state(server: Server, version: int) -> str:
    """Of a version; empty while the server does not know it."""
    response = httpx.get(f"http://{server.rest}/v1/models/{MODEL}")
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
