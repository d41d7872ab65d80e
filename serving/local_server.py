"""Serve published models over TensorFlow Serving's own protocols, for development and tests; production has the original."""

import argparse
import os
import sys
from pathlib import Path

import uvloop
from rich.console import Console

from components.shared import problem_folder
from components.shared.command_line import ended, filled, quiet_stderr, seconds, whole
from components.shared.errors import BadConfig
from data import DEFAULT_PROBLEM

MEGABYTE = 1 << 20
LAST_PORT = 65_535
# TensorFlow Serving's flags that change nothing here: accepted, so that its command lines work.
UNUSED = (
    *("rest_api_num_threads", "grpc_max_threads", "num_load_threads", "num_unload_threads", "flush_filesystem_caches"),
    *("tensorflow_session_parallelism", "tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism"),
    *("per_process_gpu_memory_fraction", "remove_unused_fields_from_bundle_metagraph", "enable_grpc_healthcheck_service"),
)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; flags that TensorFlow Serving has too are named as there."""
    parser = argparse.ArgumentParser(prog="python -m serving.local_server", description=__doc__, allow_abbrev=False)
    models = parser.add_argument_group("models")
    models.add_argument(
        "--models", type=Path, help="folder of models, and of their models.config (default: that of the problem's runs)"
    )
    problem_folder.add_option(models, DEFAULT_PROBLEM)
    models.add_argument("--model_config_file", type=Path, help="models and their folders, instead of --models")
    models.add_argument(
        "--model_config_file_poll_wait_seconds", type=wait, default=0, help="0: it is read once (default: %(default)s)"
    )
    models.add_argument("--model_base_path", type=Path, help="folder of one model's versions, instead of --models")
    models.add_argument("--model_name", default="default", help="of the model in --model_base_path")
    models.add_argument(
        "--file_system_poll_wait_seconds", type=wait, default=1.0, help="0: folders are read once (default: %(default)s)"
    )
    models.add_argument(
        "--allow_version_labels_for_unavailable_models",
        **boolean(True),
        help="a new label may name a version that is not loaded yet, as at the start (default: %(default)s)",
    )
    models.add_argument(
        "--public_key", metavar="FILE", type=filled, help="serve only versions that are signed by a key in this file"
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--host",
        type=lambda text: filled(text.strip("[]")),
        default="127.0.0.1",
        help="address to listen at (default: %(default)s, this machine only)",
    )
    network.add_argument("--port", type=port, default=8500, help="of gRPC (default: %(default)s)")
    network.add_argument("--rest_api_port", type=port, default=8501, help="of REST; 0: no REST (default: %(default)s)")
    network.add_argument("--rest_api_timeout_in_ms", type=int, default=30_000, help="0: none (default: %(default)s)")
    network.add_argument("--rest_api_enable_cors_support", **boolean(False), help="for pages of others (default: %(default)s)")
    network.add_argument("--max_body_mb", type=whole, default=16, help="largest request (default: %(default)s)")
    network.add_argument("--max_in_flight", type=whole, default=512, help="requests at a time (default: %(default)s)")
    network.add_argument("--monitoring_config_file", type=Path, help="whether and where Prometheus may ask")
    batches = parser.add_argument_group("batching")
    batches.add_argument("--enable_batching", **boolean(True), help="(default: %(default)s)")
    batches.add_argument("--batching_parameters_file", type=Path, help="max_batch_size, batch_timeout_micros, ...")
    log = parser.add_argument_group("request log")
    log.add_argument("--request_log", type=Path, help="folder for a sample of the requests, which drift.requests may name")
    log.add_argument("--request_log_share", type=float, default=0.1, help="of the requests (default: %(default)s)")
    log.add_argument("--request_log_seconds", type=float, default=300.0, help="until a file is closed (default: %(default)s)")
    for flag in UNUSED:
        parser.add_argument(f"--{flag}", nargs="?", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def boolean(default: bool) -> dict:
    """Return the arguments of a flag that may be given as --flag, --flag=true or --flag=false, as in TensorFlow Serving."""
    words = {"true": True, "false": False}

    def read(text: str) -> bool:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false.")
        return words[text]

    return {"type": read, "nargs": "?", "const": True, "default": default, "metavar": "true|false"}


def port(text: str) -> int:
    """Parse a port's number. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; expected a number up to {LAST_PORT}.")
    return int(text)


def wait(text: str) -> float:
    """Parse a wait between polls, in seconds. Raises ArgumentTypeError."""
    try:
        return seconds(text) if float(text) else 0.0
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a wait; expected seconds, or 0 to look once.") from None


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`."""
    options = parse(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: serve(options, console), console)


def serve(options: argparse.Namespace, console: Console) -> None:
    """Serve until SIGINT or SIGTERM. Raises CrosswindError when it cannot."""
    if not 0 < options.request_log_share <= 1:
        raise BadConfig(f"--request_log_share is {options.request_log_share:g}; expected a share above 0 and up to 1.")
    if not options.port:
        raise BadConfig("--port is 0, which would turn gRPC off; expected a port from 1 on. REST alone is not served.")
    if options.port == options.rest_api_port:
        raise BadConfig(f"--port and --rest_api_port are both {options.port}; expected two ports.")
    if options.batching_parameters_file and not options.enable_batching:
        raise BadConfig("--batching_parameters_file is set without --enable_batching=true; expected both or neither.")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its errors are exceptions, and logged as such
    with quiet_stderr():
        from serving.server import run  # noqa: PLC0415  # TensorFlow

    uvloop.run(run.serve(options, console))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # TensorFlow's threads may outlive the interpreter
