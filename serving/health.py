"""Ask a local server by gRPC whether it is healthy: each model has a version that answers. For a container's health check."""

import argparse
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from components.shared import network
from components.shared.errors import Exit

SECONDS = 4.0


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when it is healthy."""
    parser = argparse.ArgumentParser(prog="python -m serving.health", description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:8500", help="host:port of gRPC (default: %(default)s)")
    server = parser.parse_args(arguments).server
    try:
        with grpc.insecure_channel(server, network.grpc_options(server)) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    except grpc.RpcError:
        return Exit.FAILED
    return Exit.DONE if answer.status == answer.SERVING else Exit.FAILED


if __name__ == "__main__":
    sys.exit(main())
