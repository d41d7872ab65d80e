"""How many of many starts of a process fail where this one is large and has a gRPC server, as TFX's launcher has.

python -m tests.benchmarks.process_starts --starts 700
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent import futures

os.environ["GRPC_VERBOSITY"] = "NONE"  # before the import; it has a line for each fork

import grpc

from components.shared import processes

BALLAST = 1_500_000_000  # bytes; a node with TensorFlow, TFX and a window of rows has as many
COMMAND = [sys.executable, "-S", "-c", "pass"]


def forked(command: list[str]) -> subprocess.Popen:
    """Any `preexec_fn` makes `subprocess` fork, and run the handlers of whoever has registered one."""
    return subprocess.Popen(command, start_new_session=True, preexec_fn=lambda: None)  # noqa: PLW1509


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.process_starts", description=__doc__)
    parser.add_argument("--starts", type=int, default=700)
    starts = parser.parse_args().starts
    ballast = bytearray(b"x" * BALLAST)
    server = grpc.server(futures.ThreadPoolExecutor(4))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        for name, start in (("processes.start", processes.start), ("preexec_fn", forked)):
            codes: Counter[int] = Counter()
            began = time.monotonic()
            for _ in range(starts):
                codes[start(COMMAND).wait(60)] += 1
            failed = starts - codes[0]
            print(
                f"{name}: {failed} of {starts} failed{dict(codes) if failed else ''}, "
                f"{(time.monotonic() - began) / starts * 1e3:.0f} ms each, {len(ballast) / 1e9:.1f} GB resident"
            )
    server.stop(0)


if __name__ == "__main__":
    main()
