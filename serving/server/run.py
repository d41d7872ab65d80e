"""The server's life: loads, listens, follows the folders, and drains at the end."""

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from rich.console import Console

from components.model_store.signature import read_keys
from components.shared import problem_folder
from components.shared.errors import RootUnusable
from serving.local_server import MEGABYTE
from serving.server import config, grpc_services, parameters, rest
from serving.server.core import Core
from serving.server.http import Http
from serving.server.request_log import RequestLog
from serving.server.versions import Versions

GRACE_SECONDS = 10  # for requests in flight, when the server ends
IDLE_SECONDS = 50  # that a connection stays open between requests: libevent's value, which clients' pools expect


class Web(uvicorn.Server):
    """uvicorn without its signal handlers: gRPC has to end too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


async def serve(options: argparse.Namespace, console: Console) -> None:
    """Serve until a signal. Raises BadConfig, RootUnusable."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    core = make_core(options)
    web = make_web(core, options)
    await asyncio.to_thread(core.versions.poll)

    size = options.max_body_mb * MEGABYTE
    grpc_server = grpc_services.server(core, [("grpc.max_receive_message_length", size), ("grpc.so_reuseport", 0)])
    grpc_address = address(options.host, options.port)
    with usable(grpc_address, "--port"):
        grpc_server.add_insecure_port(grpc_address)
    listener = listen(options.host, options.rest_api_port) if options.rest_api_port else None
    await grpc_server.start()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    announce(console, core.versions, grpc_address, address(options.host, options.rest_api_port) if listener else None)
    serving = asyncio.create_task(web.serve(sockets=[listener])) if listener else asyncio.create_task(ended.wait())
    following = asyncio.create_task(follow(core.versions, options))
    await ended.wait()
    console.print("Ending: the last requests are answered.")
    following.cancel()
    web.should_exit = True
    await asyncio.gather(grpc_server.stop(GRACE_SECONDS), serving)
    await asyncio.to_thread(core.close)


def address(host: str, port: int) -> str:
    """Return `host:port`, with brackets around an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Open the socket for REST. Raises RootUnusable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()  # all addresses, as gRPC takes it
    with usable(address(host, port), "--rest_api_port"):
        listener = socket.create_server((host, port), family=family, dualstack_ipv6=both)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an ACK
    return listener


@contextlib.contextmanager
def usable(address: str, flag: str) -> Iterator[None]:
    """Turn the error of an address that cannot be listened at into RootUnusable."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise RootUnusable(
            f"{address} cannot be listened at: {error}. Expected a free port of an address of this machine; name others with "
            f"{flag} and --host."
        ) from error


def make_core(options: argparse.Namespace) -> Core:
    """Make the core that the command line asks for, with nothing loaded yet. Raises BadConfig."""
    file = options.batching_parameters_file
    limits = parameters.read_batching(file) if file else parameters.Batching()
    ahead = options.allow_version_labels_for_unavailable_models
    versions = Versions(lambda: configured(options), read_keys(options.public_key), labels_ahead=ahead)
    folder, share, seconds = options.request_log, options.request_log_share, options.request_log_seconds
    log = RequestLog(folder, share, max_seconds=seconds) if folder else None
    return Core(versions, limits, batching=options.enable_batching, in_flight=options.max_in_flight, log=log)


def make_web(core: Core, options: argparse.Namespace) -> Web:
    """Make the REST server that the command line asks for, not listening yet. Raises BadConfig."""
    file = options.monitoring_config_file
    app = rest.Rest(
        core,
        options.max_body_mb * MEGABYTE,
        options.rest_api_timeout_in_ms / 1000 if options.rest_api_timeout_in_ms > 0 else None,
        metrics=parameters.read_monitoring(file) if file else parameters.METRICS,
        cors=options.rest_api_enable_cors_support,
    )
    return Web(
        uvicorn.Config(
            app,
            http=Http,
            ws="none",
            lifespan="off",
            log_config=None,  # its own closes the handlers that others have
            log_level="warning",
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


async def follow(versions: Versions, options: argparse.Namespace) -> None:
    """Look for new versions and a new configuration, for ever; a wait of 0 turns that off."""
    turn = asyncio.Lock()

    async def every(wait: float, look: Callable[[], None]) -> None:
        while wait:
            await asyncio.sleep(wait)
            async with turn:
                await asyncio.to_thread(look)

    folders = options.file_system_poll_wait_seconds
    of_config = options.model_config_file_poll_wait_seconds if options.model_config_file else folders
    await asyncio.gather(every(of_config, versions.reload), every(folders, versions.poll))


def configured(options: argparse.Namespace) -> list[config.ModelConfig]:
    """Read which models to serve, from where the command line says. Raises BadConfig."""
    if options.model_config_file:
        return config.read(options.model_config_file)
    if options.model_base_path:
        return [config.ModelConfig(options.model_name, options.model_base_path)]
    return config.below(options.models or problem_folder.root(options.problem) / "serving")


def announce(console: Console, versions: Versions, grpc_address: str, rest_address: str | None) -> None:
    """Print what is served where."""
    console.print("[bold]For development and tests: in production, TensorFlow Serving serves these models.[/]")
    for name, model in versions.models.items():
        for number in model.available():
            labels = ", ".join(label for label, version in model.labels.items() if version == number)
            console.print(f"  {name} version {number}{f' ({labels})' if labels else ''}")
        if not model.available():
            console.print(f"  [yellow]{name}: no version could be loaded; it is tried again when its files change[/]")
    console.print(f"gRPC {grpc_address}")
    if rest_address:
        console.print(f"REST http://{rest_address}/v1/models/{next(iter(versions.models))}")
