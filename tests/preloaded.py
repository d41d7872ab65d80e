"""A Python that has imported TensorFlow, Beam and TFX already, for tests: each command that it runs saves 15 s of a processor.

`PYTHON` takes the place of `sys.executable` in a command, and in all that the command starts. It has one process, started with
the tests, fork: the fork is the command, with the arguments, environment, folder and streams of who asked. What is not as in
this checkout (another folder, PYTHONPATH, LD_PRELOAD, `-c`) goes to a fresh Python. Tests of how a command starts, what it
imports, what it costs, and what it says in a terminal take a fresh one too.
"""

import array
import contextlib
import ctypes
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from itertools import filterfalse
from pathlib import Path
from typing import NoReturn

import pytest

from pipeline.local.root import leave
from tests.leaving_out import is_gone

REPOSITORY = Path(__file__).parent.parent
PYTHON = str(Path(__file__).with_name("preloaded_python"))
SOCKET, REAL = "CROSSWIND_PRELOADED_SOCKET", "CROSSWIND_REAL_PYTHON"
IMPORTED = (
    "pipeline.dag",
    "pipeline.local.local_dag",
    "pipeline.local.summary",
    "pipeline.kubeflow.compiled",
    "pipeline.kubeflow.closing_report",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "components.run_report.executor",
    "components.mobile_exporter.executor",
    "components.mobile_evaluator.executor",
    "components.columnar.evaluator.executor",
    "components.columnar.statistics_gen.executor",
    "components.columnar.transform.executor",
    "serving.server.run",
)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def pytest_configure(config: pytest.Config) -> None:
    """Start the process that forks; it imports when it is first asked. Workers of pytest share it."""
    os.environ[REAL] = sys.executable
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="preloaded-")
        os.environ[SOCKET] = f"{folder.name}/socket"
        with socket.socket(socket.AF_UNIX) as listener:  # bound here: whoever is early waits
            listener.bind(os.environ[SOCKET])
            listener.listen(64)
            fd = listener.fileno()
            command = [sys.executable, "-m", "tests.preloaded", str(fd)]
            process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, start_new_session=True, pass_fds=[fd])
        config.add_cleanup(lambda: (process.kill(), process.wait(), folder.cleanup()))


def command(parts: list[str]) -> list[str]:
    """The same command of the preloaded Python, where pytest has started one."""
    assert parts[0] == sys.executable
    return [PYTHON, *parts[1:]] if SOCKET in os.environ else parts


def serve(listener: socket.socket) -> None:
    """Fork a command for each connection, and tell its exit code there. It ends when its connection or this process does."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)  # closes with pytest
        running: dict[int, tuple[int, socket.socket]] = {}  # by descriptor: of the process, and of the connection
        while True:
            for key, _ in selector.select():
                if key.fd == 0:
                    return
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    pid = fork(connection)
                    for fd in (os.pidfd_open(pid), connection.fileno()):
                        running[fd] = pid, connection
                        selector.register(fd, selectors.EVENT_READ)
                elif key.fd in running:
                    end(key.fd, running, selector)


def end(fd: int, running: dict[int, tuple[int, socket.socket]], selector: selectors.BaseSelector) -> None:
    """Pass on a signal, or how a command ended; kill it if nobody is there to ask any more."""
    pid, connection = running[fd]
    if fd == connection.fileno():
        said = b""
        with contextlib.suppress(ConnectionResetError):
            said = connection.recv(1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, said[0] if said else signal.SIGKILL)
        if said:
            return
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
    for each in [each for each, (other, _) in running.items() if other == pid]:
        selector.unregister(each)
        del running[each]
        if each != connection.fileno():
            os.close(each)
    connection.close()


def fork(connection: socket.socket) -> int:
    """Start what a connection asks for. Returns the process."""
    for module in filterfalse(is_gone, IMPORTED):
        importlib.import_module(module)
    _, ancillary, *_ = connection.recvmsg(1, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    streams = array.array("i", ancillary[0][2])
    asked = json.loads(connection.makefile().readline())
    if (pid := os.fork()) == 0:
        be(asked, streams)
    for stream in streams:
        os.close(stream)
    return pid


def be(asked: dict, streams: array.array) -> NoReturn:
    """Be the command, to its end."""
    code: object = 0
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 64)  # the others' connections
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        tempfile.tempdir = None
        sys.executable, sys.argv = PYTHON, asked["arguments"]
        sys.modules.pop(sys.argv[0], None)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    leave(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
