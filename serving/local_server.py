"""Serves published models over TensorFlow Serving's own protocols, for development and tests; production has the original."""

import argparse
import os
import sys
from pathlib import Path

import uvloop
from rich.console import Console

from components.command_line import ended, filled
from components.errors import BadConfig
from components.quiet import quiet_stderr

DEFAULT_MODELS = Path("runs/serving")
MEGABYTE = 1 << 20


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; flags that TensorFlow Serving has too are named as there."""
    parser = argparse.ArgumentParser(prog="python -m serving.local_server", description=__doc__)
    models = parser.add_argument_group("models")
    models.add_argument("--models", type=Path, help=f"folder of models, and of their models.config (default: {DEFAULT_MODELS})")
    models.add_argument("--model_config_file", type=Path, help="models and their folders, instead of --models")
    models.add_argument("--model_base_path", type=Path, help="folder of one model's versions, instead of --models")
    models.add_argument("--model_name", default="default", help="of the model in --model_base_path")
    models.add_argument(
        "--public_key", metavar="FILE", type=filled, help="serve only versions that are signed by a key in this file"
    )
    models.add_argument("--file_system_poll_wait_seconds", type=float, default=1.0, help="(default: %(default)s)")
    network = parser.add_argument_group("network")
    network.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s, this machine only)")
    network.add_argument("--port", type=int, default=8500, help="of gRPC; 0: a free one (default: %(default)s)")
    network.add_argument("--rest_api_port", type=int, default=8501, help="of REST; 0: a free one (default: %(default)s)")
    network.add_argument("--rest_api_timeout_in_ms", type=int, default=30_000, help="(default: %(default)s)")
    network.add_argument("--max_body_mb", type=int, default=16, help="largest request (default: %(default)s)")
    network.add_argument("--max_in_flight", type=int, default=256, help="requests at a time (default: %(default)s)")
    batches = parser.add_argument_group("batching")
    batches.add_argument("--enable_batching", choices=["true", "false"], default="true", help="(default: %(default)s)")
    batches.add_argument("--batching_parameters_file", type=Path, help="max_batch_size, batch_timeout_micros, ...")
    log = parser.add_argument_group("request log")
    log.add_argument("--request_log", type=Path, help="folder for a sample of the requests, which drift.requests may name")
    log.add_argument("--request_log_share", type=float, default=0.1, help="of the requests (default: %(default)s)")
    log.add_argument("--request_log_seconds", type=float, default=300.0, help="until a file is closed (default: %(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Returns an `Exit`."""
    options = parse(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: serve(options, console), console)


def serve(options: argparse.Namespace, console: Console) -> None:
    """Until SIGINT or SIGTERM. Raises CrosswindError when it cannot serve."""
    if not 0 < options.request_log_share <= 1:
        raise BadConfig(f"--request_log_share is {options.request_log_share:g}; expected a share above 0 and up to 1.")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its errors are exceptions, and logged as such
    with quiet_stderr():
        from serving.server import run  # noqa: PLC0415  # TensorFlow

    uvloop.run(run.serve(options, console))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # TensorFlow's threads may outlive the interpreter
