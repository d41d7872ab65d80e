"""The server's life: loads, listens, follows the folders, and drains at the end."""

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from rich.console import Console

from components.errors import RootUnusable
from components.publisher.signature import read_keys
from serving.local_server import DEFAULT_MODELS, MEGABYTE
from serving.server import config, grpc_services, rest
from serving.server.core import Core
from serving.server.request_log import RequestLog
from serving.server.versions import Versions

GRACE_SECONDS = 10  # for requests in flight, when the server ends


class Web(uvicorn.Server):
    """uvicorn, which leaves the signals to us: gRPC has to end too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


async def serve(options: argparse.Namespace, console: Console) -> None:
    """Serves until a signal. Raises BadConfig, RootUnusable."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    core = make_core(options)
    versions = core.versions
    await asyncio.to_thread(versions.poll)

    size = options.max_body_mb * MEGABYTE
    grpc_server = grpc_services.server(core, [("grpc.max_receive_message_length", size), ("grpc.so_reuseport", 0)])
    try:
        grpc_port = grpc_server.add_insecure_port(f"{options.host}:{options.port}")
        listener = socket.create_server((options.host, options.rest_api_port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an ACK
    except (RuntimeError, OSError) as error:
        raise RootUnusable(
            f"Port {options.port} or {options.rest_api_port} of {options.host} cannot be used: {error}. "
            "Expected free ports; name others with --port and --rest_api_port."
        ) from error
    app = rest.Rest(core, size, options.rest_api_timeout_in_ms / 1000).app
    web = Web(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=GRACE_SECONDS))
    await grpc_server.start()
    announce(console, versions, f"{options.host}:{grpc_port}", "http://{}:{}".format(*listener.getsockname()[:2]))

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    probing = asyncio.create_task(core.probe.run(f"{options.host}:{grpc_port}"))
    following = asyncio.create_task(follow(versions, options.file_system_poll_wait_seconds))
    await ended.wait()
    console.print("Ending: answers what is in flight.")
    following.cancel()
    probing.cancel()
    web.should_exit = True
    await asyncio.gather(grpc_server.stop(GRACE_SECONDS), serving)
    await asyncio.to_thread(core.close)


def make_core(options: argparse.Namespace) -> Core:
    """The core that the command line asks for, nothing loaded yet. Raises BadConfig."""
    log = None
    if options.request_log:
        log = RequestLog(options.request_log, options.request_log_share, max_seconds=options.request_log_seconds)
    file = options.batching_parameters_file
    return Core(
        Versions(source(options), read_keys(options.public_key)),
        config.read_batching(file) if file else config.Batching(),
        batching=options.enable_batching == "true",
        in_flight=options.max_in_flight,
        log=log,
    )


async def follow(versions: Versions, seconds: float) -> None:
    """Looks for new versions and labels, for ever."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(versions.poll)


def source(options: argparse.Namespace) -> Callable[[], list[config.ModelConfig]]:
    """Reads which models to serve, as the command line says."""
    if options.model_config_file:
        return lambda: config.read(options.model_config_file)
    if options.model_base_path:
        return lambda: [config.ModelConfig(options.model_name, options.model_base_path)]
    folder: Path = options.models or DEFAULT_MODELS
    return lambda: config.below(folder)


def announce(console: Console, versions: Versions, grpc_address: str, rest_address: str) -> None:
    """Says what is served where."""
    console.print("[bold]For development and tests: in production, TensorFlow Serving serves these models.[/]")
    for name, model in versions.models.items():
        for number in model.available():
            labels = ", ".join(label for label, version in model.labels.items() if version == number)
            console.print(f"  {name} version {number}{f' ({labels})' if labels else ''}")
        if not model.available():
            console.print(f"  [yellow]{name}: no version could be loaded; it is tried again when its files change[/]")
    console.print(f"gRPC {grpc_address}")
    console.print(f"REST {rest_address}/v1/models/{next(iter(versions.models))}")
