"""Start Beam workers of this project when an engine asks for them.

It runs on each machine of a Flink or Spark cluster (in Kubernetes a sidecar, from this project's image), or beside a portable
job server. `beam.worker_pool` is its address, as the engine sees it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import traceback
from concurrent import futures
from pathlib import Path

import grpc

# From the package, which finds them where they lie: as modules of it they cannot be imported.
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
)
from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor
from apache_beam.runners.worker.worker_pool_main import kill_process_gracefully
from google.protobuf.json_format import MessageToJson

from components.shared import network

PROJECT = Path(__file__).parent.parent
PROVISION_SECONDS = 60.0


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Starts a process for each worker that is asked for."""

    def __init__(self) -> None:
        self._workers: dict[str, subprocess.Popen] = {}

    def StartWorker(self, request, _context) -> beam_fn_api_pb2.StartWorkerResponse:
        """Start a worker. If that fails, the engine fails the job with the error."""
        try:
            self._workers[request.worker_id] = subprocess.Popen(
                [sys.executable, "-m", "pipeline.beam.worker"], cwd=PROJECT, env=os.environ | environment(request)
            )
        except (OSError, grpc.RpcError):
            return beam_fn_api_pb2.StartWorkerResponse(error=traceback.format_exc())
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request, _context) -> beam_fn_api_pb2.StopWorkerResponse:
        if worker := self._workers.pop(request.worker_id, None):
            kill_process_gracefully(worker)
        return beam_fn_api_pb2.StopWorkerResponse()

    def close(self) -> None:
        """End every worker."""
        while self._workers:
            kill_process_gracefully(self._workers.popitem()[1])


def environment(request: beam_fn_api_pb2.StartWorkerRequest) -> dict[str, str]:
    """Return what Beam's worker reads: its name, where to connect to, and the pipeline's options, as the engine tells them."""
    with grpc.insecure_channel(request.provision_endpoint.url) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(
            grpc.intercept_channel(channel, WorkerIdInterceptor(request.worker_id))
        )
        info = service.GetProvisionInfo(beam_provision_api_pb2.GetProvisionInfoRequest(), timeout=PROVISION_SECONDS).info
    return {
        "WORKER_ID": request.worker_id,
        "CONTROL_API_SERVICE_DESCRIPTOR": f"url: {json.dumps(request.control_endpoint.url)}",
        "LOGGING_API_SERVICE_DESCRIPTOR": f"url: {json.dumps(request.logging_endpoint.url)}",
        "PIPELINE_OPTIONS": MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }


def port_number(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text} is not a port; expected 1 to {2**16 - 1}")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline.beam_worker_pool", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=port_number, required=True, help="on 127.0.0.1, where the engine's part here asks")
    port = parser.parse_args().port
    network.spare_this_machine()  # workers connect to the engine's part here
    pool = WorkerPool()
    server = grpc.server(futures.ThreadPoolExecutor())
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        parser.error(f"port {port} of 127.0.0.1 cannot be listened on; expected a free one")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server.start()
    print(f"Waiting at 127.0.0.1:{port} for an engine that wants workers.", flush=True)  # noqa: T201
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        pass
    finally:
        pool.close()
        server.stop(0)


if __name__ == "__main__":
    main()
