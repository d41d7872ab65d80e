"""Build the reports of all runs again from what the runs left, and show them, on this machine only."""

import argparse
import contextlib
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console

from components.shared.command_line import ended, quiet_stderr
from components.shared.commands import make
from components.shared.errors import BadConfig, RootUnusable
from components.shared.spans import NEWEST
from pipeline.config import Config
from pipeline.shared import command_line

HOST = "127.0.0.1"
PORT = 8600  # if it is free
LINKED = ("logs", "serving", "mobile", "artifacts")  # folders of a root that the pages link to
ACTIONS = {"build": "write every page again", "serve": "show them at http://127.0.0.1", "open": "the same, in the browser"}


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when the pages are built, or SIGINT ended the server."""
    parser = command_line.parser("pipeline.reports", __doc__)
    parser.add_argument("action", choices=ACTIONS, help="; ".join(f"{name}: {does}" for name, does in ACTIONS.items()))
    parser.add_argument("--port", type=int, metavar="N", help=f"to serve at; 0: a free one (default: {PORT}, else a free one)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Do what was asked for. Raises CrosswindError."""
    config = command_line.load(options)
    root = config.root
    if options.action == "build":
        build(root, config, console)
    else:
        serve(root / "reports", options.port, options.action == "open", config.named, console)


def build(root: Path, config: Config, console: Console) -> None:
    """Write the facts and the page of every run in the metadata of `root`, and the history page. Raises BadConfig."""
    if not (root / "metadata.db").exists():
        run = make("run", config.named)
        raise BadConfig(f"{root} holds no runs; expected {root / 'metadata.db'}, which `{run}` writes. Or name a --root.")
    with quiet_stderr():
        from components.run_report.executor import rebuild  # noqa: PLC0415  # TensorFlow
        from pipeline.dag import create_pipeline  # noqa: PLC0415
        from pipeline.parts.report import report_settings  # noqa: PLC0415

        fallback = report_settings(config, create_pipeline(config, NEWEST).components, "unknown")
        for run in rebuild(root / "metadata.db", root / "reports", fallback):
            console.print(f"  {run}", markup=False)
    console.print(f"All runs: {root / 'reports' / 'index.html'}", markup=False)


def serve(reports: Path, port: int | None, browse: bool, problem: str, console: Console) -> None:
    """Serve the pages and the folders that they link to, and nothing else, until a signal. Raises BadConfig, RootUnusable."""
    if not (reports / "index.html").exists():
        raise BadConfig(
            f"{reports} holds no reports; expected {reports / 'index.html'}, which each run writes: "
            f"`{make('run', problem)}`. For runs that are there already: `{make('report', problem)}`."
        )
    import uvicorn  # noqa: PLC0415
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.middleware import Middleware  # noqa: PLC0415
    from starlette.middleware.trustedhost import TrustedHostMiddleware  # noqa: PLC0415
    from starlette.routing import Mount  # noqa: PLC0415
    from starlette.staticfiles import StaticFiles  # noqa: PLC0415

    from pipeline.local.listing import Listed  # noqa: PLC0415

    # Other sites' scripts reach this address through a name of their own (DNS rebinding), which is refused.
    ours = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    # The pages lie in `reports/<run>/`: their links to `../../logs` are `/logs` here.
    beside = [Mount(f"/{name}", Listed(directory=reports.parent / name, check_dir=False)) for name in LINKED]
    listener = listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"

    @contextlib.asynccontextmanager
    async def said(_: Starlette) -> AsyncIterator[None]:
        """Print the address once Ctrl-C works: uvicorn complains before that."""
        console.print(f"Reports of {reports.parent}: {address}  (Ctrl-C ends it)", markup=False)
        if browse:
            # A thread: a browser in the terminal returns when it is closed.
            threading.Thread(target=show, args=(address, console), daemon=True).start()
        yield

    pages = Mount("/", StaticFiles(directory=reports, html=True))
    app = Starlette(routes=[*beside, pages], middleware=[ours], lifespan=said)
    with contextlib.suppress(KeyboardInterrupt):  # which uvicorn passes on when it has answered what was in flight
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on")).run(sockets=[listener])


def show(address: str, console: Console) -> None:
    """Open the browser, which waits until the server answers."""
    if not webbrowser.open(address):
        console.print("No browser was found: open the address above in one.")


def listen(port: int | None) -> socket.socket:
    """Listen at a port; by default at the usual one, or if that is taken at a free one. Raises BadConfig, RootUnusable."""
    try:
        return socket.create_server((HOST, PORT if port is None else port))
    except OverflowError as error:
        raise BadConfig(f"--port {port} is not a port; expected 0 to 65535.") from error
    except OSError as error:
        if port is None:
            return socket.create_server((HOST, 0))
        raise RootUnusable(
            f"Port {port} of {HOST} cannot be used: {error.strerror}. Expected a free one; leave --port out to get one."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
