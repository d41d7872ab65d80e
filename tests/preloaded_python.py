"""Asks the process of tests/preloaded.py to be this command, passes signals on to it, and ends as it does."""

import array
import json
import os
import signal
import socket
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PRELOADED = ("pipeline.local_runner", "pipeline.kubeflow.entrypoint", "pipeline.kubeflow_runner", "serving.local_server")


def is_preloaded(arguments):
    as_here = Path.cwd() == REPOSITORY and Path(os.environ.get("PYTHONPATH", REPOSITORY)) == REPOSITORY
    return as_here and arguments[:1] == ["-m"] and arguments[1] in PRELOADED and "LD_PRELOAD" not in os.environ


def main(arguments):
    if not is_preloaded(arguments):
        real = os.environ["CROSSWIND_REAL_PYTHON"]
        os.execv(real, [real, *arguments])  # noqa: S606
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["CROSSWIND_PRELOADED_SOCKET"])
    connection.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    asked = {"arguments": arguments[1:], "environment": dict(os.environ), "folder": str(REPOSITORY)}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: connection.send(bytes([number])))
    connection.sendall(json.dumps(asked).encode() + b"\n")
    code = json.loads(connection.recv(64) or b"1")
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


main(sys.argv[1:])
