"""Move the labels of published versions, stable and canary, or show them when nothing is to move."""

import argparse
import sys
import time
from collections.abc import Iterable

import httpx
from rich.console import Console
from rich.table import Table

from components.model_store import labels
from components.model_store.labels import STABLE
from components.model_store.signature import NO_KEYS, Keys, read_keys
from components.shared import network, problem_folder
from components.shared.command_line import ended, filled, seconds, whole
from components.shared.errors import PromotionFailed
from data import DEFAULT_PROBLEM
from serving import moves
from serving.labels_file import Models, models_in
from serving.moves import Labels, Move, ServerConfig

SERVER = "http://127.0.0.1:8501"
POLL_SECONDS = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`."""
    parser = argparse.ArgumentParser(prog="python -m serving.promote", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--canary", type=whole, metavar="VERSION", help="give it part of the requests, beside the stable one")
    action.add_argument(
        "--stable", type=whole, metavar="VERSION", help="give it the requests; the one before stays as previous"
    )
    action.add_argument("--rollback", action="store_true", help="take the canary back, or else go back to the previous version")
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--folder", help="of the models, or gs://bucket/folder (default: that of the problem's runs)")
    parser.add_argument("--model", help="its name (default: the problem's)")
    parser.add_argument(
        "--server",
        action="append",
        type=address,
        metavar="URL",
        help=f"REST address to wait for; may be repeated (default: {SERVER})",
    )
    parser.add_argument("--no-server", action="store_true", help="do not wait: nobody serves the folder now")
    parser.add_argument(
        "--public_key", metavar="FILE", type=filled, help="refuse versions that are not signed by a key in this file"
    )
    parser.add_argument("--timeout", type=seconds, default=120.0, help="seconds to wait for a server (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Move a label, or only show the labels. Raises CrosswindError."""
    name = options.model or problem_folder.model_name(options.problem)
    servers = [] if options.no_server else options.server or [SERVER]
    keys = read_keys(options.public_key)
    models = models_in(options.folder or str(problem_folder.root(options.problem) / "serving"))
    before = ServerConfig(models.read()[0], name, f"{models.name}/{labels.CONFIG}").pins.labels
    versions = models.versions(name)
    if move := chosen(options):
        after = Promotion(models, name, servers, options.timeout, console, keys=keys).run(move)
    else:
        after = before
    show(console, before, after, versions)


def chosen(options: argparse.Namespace) -> Move | None:
    """Return the move that the command line asks for."""
    if options.canary is not None:
        return moves.to_canary(options.canary)
    if options.stable is not None:
        return moves.to_stable(options.stable)
    return moves.back if options.rollback else None


def address(text: str) -> str:
    """Parse the URL of a server. Raises ArgumentTypeError."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL: {error}; expected one like {SERVER}.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise argparse.ArgumentTypeError(f"{text!r} is not a server; expected one like {SERVER}.")
    return text


class Promotion:
    """One move of labels, done in an order in which no request meets a label without its version.

    After a SIGKILL nothing can be put back, so what is written before the labels move leaves production as it was; a repeat
    completes it. Where there was no config, the newest version was in production, and such a kill pins it: what is published
    later waits for a promotion, as it does after one that ended well.
    """

    def __init__(
        self, models: Models, model: str, servers: list[str], timeout: float, console: Console, *, keys: Keys = NO_KEYS
    ):
        self._models, self._model, self._servers, self._timeout, self._console = models, model, servers, timeout, console
        self._keys = keys

    def run(self, move: Move) -> Labels:
        """Load the versions, move the labels, release what no label names, and return the new labels.

        Raises:
            CrosswindError: what could not be done. Up to the move of the labels, the file is put back as it was.
        """
        with self._models.held(self._model):  # a publisher may delete what the file does not name yet
            original, mark = self._models.read()
            config = ServerConfig(original, self._model, f"{self._models.name}/{labels.CONFIG}")
            before = config.pins
            # Without a policy the newest is loaded, and must stay while requests use it.
            production = before.production or max(self._models.versions(self._model), default=None)
            start = {STABLE: production} | before.labels if production else before.labels
            after = move(start)
            for version in sorted(set(after.values())):
                self._models.check(self._model, version, self._keys)
            both = {*before.named, *start.values(), *after.values()}
            # The newest gets no label yet: it may have been published a moment ago, and not be loaded.
            mark = self._models.replace(config.with_pins(start if before.production else before.labels, both), mark)
        try:
            self._wait_for_versions(set(after.values()))
            mark = self._models.replace(config.with_pins(after, both), mark)
        except BaseException:  # Ctrl-C too
            self._models.replace(original, mark)
            raise
        try:
            self._wait_for_labels(after)
        except PromotionFailed as error:
            raise PromotionFailed(
                f"The labels are moved, and the old versions stay loaded until the next promotion: {error}"
            ) from error
        self._models.replace(config.with_pins(after, set(after.values())), mark)
        return after

    def _wait_for_versions(self, versions: Iterable[int]) -> None:
        for server in self._servers:
            for version in versions:
                self._wait(server, f"versions/{version}", f"version {version}", version)

    def _wait_for_labels(self, after: Labels) -> None:
        for server in self._servers:
            for label, version in after.items():
                # Not the label's status: TensorFlow Serving ignores the label there, and answers for all versions.
                self._wait(server, f"labels/{label}/metadata", f"label {label}", version)

    def _wait(self, server: str, path: str, what: str, version: int) -> None:
        url = f"{server.rstrip('/')}/v1/models/{self._model}/{path}"
        deadline = time.monotonic() + self._timeout
        with self._console.status(f"Waiting for {what} at {server}"):
            while (state := status(url, version)) != "AVAILABLE":
                if time.monotonic() > deadline:
                    raise PromotionFailed(
                        f"{url} says {state or 'nothing of it'} after {self._timeout:g} s; expected AVAILABLE with version "
                        f"{version}. Look at the server's log, or name servers with --server, or none with --no-server."
                    )
                time.sleep(POLL_SECONDS)


def status(url: str, version: int) -> str:
    """Ask a server for the state of a version; return that, else what it says instead.

    Args:
        url: of a status, or of a label's metadata, which answers when its version does.
        version: the one that is asked for.

    Raises:
        PromotionFailed: the server is not there, or cannot load the version.
    """
    try:
        with network.web(url, 5) as web:
            found = web.get(url).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise PromotionFailed(
            f"{url} does not answer{network.via(url)}: {error}. Expected a server that follows models.config. "
            "Start it, name others with --server, or say --no-server if nobody serves the folder."
        ) from error
    if served := found.get("model_spec", {}).get("version"):
        return "AVAILABLE" if int(served) == version else f"version {served}"
    states = [each for each in found.get("model_version_status", []) if int(each["version"]) == version]
    if not states:
        return str(found.get("error", ""))
    if states[0]["state"] == "END" and (reason := states[0]["status"].get("error_message")):
        raise PromotionFailed(f"{url}: version {version} cannot be loaded: {reason} No label was moved.")
    return str(states[0]["state"])


def show(console: Console, before: Labels, after: Labels, versions: list[int]) -> None:
    """Show the labels, before and after where they differ."""
    table = Table("label", "version", box=None)
    for label in sorted({*before, *after}, reverse=True):
        was, now = before.get(label), after.get(label)
        table.add_row(label, f"{now or '-'}" if was == now else f"{was or '-'} → [bold]{now or '-'}[/]")
    if before or after:
        console.print(table)
    else:
        console.print("No label: the newest version is in production.")
    console.print(f"Published: {', '.join(map(str, versions)) or 'nothing'}.")


if __name__ == "__main__":
    sys.exit(main())
