"""A stub of a model server that answers 0.5, or has the trouble that its plan says: what a test cannot make a machine do.

stub.py port rest_port folder plan answer: the folder's name is whose server it is, `candidate` or `reference`; the plan is JSON
of that name to a trouble ("... first": in the first try alone); `answer` is a file with the serialized PredictResponse.
"""

import itertools
import json
import os
import signal
import sys
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc

STRIKES_AT = 10  # of its requests
SLOW_SECONDS = 0.02
LOADING_SECONDS = 1.5
LEAKED = 2_000_000  # bytes of a request
port, rest_port, folder, plan, answer = sys.argv[1:]
trouble = json.loads(plan).get(Path(folder).name, "")
if trouble.endswith(" first"):
    trouble = trouble.removesuffix(" first") if Path(folder).parent.name == "0" else ""
requests = itertools.count(1)
began = time.monotonic()
leaked: list[bytes] = []


def answered() -> None:
    """Does what the plan says for one more request."""
    number = next(requests)
    if trouble == "slow":
        time.sleep(SLOW_SECONDS)
    if trouble == "leaks":
        leaked.append(os.urandom(LEAKED))
    if number == STRIKES_AT:
        if trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "aborts":
            os.abort()
        if trouble == "hangs":
            time.sleep(600)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing."""

    def do_GET(self):
        unloaded = {"state": "END", "status": {"error_message": "no SavedModel"}}
        loading = trouble == "loads" and time.monotonic() < began + LOADING_SECONDS
        loaded = {"state": "LOADING" if loading else "AVAILABLE"}
        self.say({"model_version_status": [unloaded if trouble == "unloadable" else loaded]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answered()
        self.say({"predictions": [0.5]})

    def say(self, what) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Predict(grpc.GenericRpcHandler):
    def service(self, _):
        def predict(_request, _context):
            answered()
            return Path(answer).read_bytes()

        return grpc.unary_unary_rpc_method_handler(predict)


if trouble == "ends":
    print("Port 8500 of 127.0.0.1 cannot be used")
    sys.exit(1)
if trouble == "silent":
    time.sleep(600)
web = ThreadingHTTPServer(("127.0.0.1", int(rest_port)), Handler)
server = grpc.server(futures.ThreadPoolExecutor(4), [] if trouble == "unimplemented" else [Predict()])
server.add_insecure_port(f"127.0.0.1:{port}")
server.start()
web.serve_forever()
