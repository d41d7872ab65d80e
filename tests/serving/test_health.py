"""`python -m serving.health`, beside a real local server and a stub of gRPC's health service."""

import os
import subprocess
import sys
from concurrent import futures

import grpc
import pytest
from conftest import REPOSITORY
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from components.shared.errors import Exit
from serving import health as command
from tests.proxies import proxy


def test_a_server_that_answers_is_healthy(server):
    assert command.main(["--server", server.grpc]) == Exit.DONE


def test_where_nobody_listens_it_is_not():
    assert command.main(["--server", "127.0.0.1:1"]) == Exit.FAILED


@pytest.mark.parametrize(
    ("status", "code"), [(health_pb2.HealthCheckResponse.SERVING, 0), (health_pb2.HealthCheckResponse.NOT_SERVING, 1)]
)
def test_it_says_what_the_server_says_and_asks_no_proxy(status, code):
    """Docker gives containers the proxies of its own configuration."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    service = health.HealthServicer()
    service.set("", status)
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        arguments = [sys.executable, "-m", "serving.health", "--server", f"127.0.0.1:{port}"]
        with proxy() as black_hole:
            environment = os.environ | black_hole.environment()
            asked = subprocess.run(arguments, cwd=REPOSITORY, env=environment, check=False, timeout=60)
            assert (asked.returncode, black_hole.asked) == (code, [])
    finally:
        server.stop(None).wait(10)
