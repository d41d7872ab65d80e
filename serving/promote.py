"""Move the labels of published versions, stable and canary, or show them when nothing is to move."""

import argparse
import functools
import sys
import time
from collections.abc import Callable

import httpx
from rich.console import Console
from rich.table import Table

from components.model_store import labels
from components.model_store.labels import CANARY, PREVIOUS, STABLE
from components.model_store.signature import Keys, read_keys
from components.shared import network, problem_folder
from components.shared.command_line import ended, filled, seconds, whole
from components.shared.errors import BadConfig, PromotionFailed, VersionNotFound
from data import DEFAULT_PROBLEM
from serving.labels_file import Models, ServerConfig, models_in

Labels = dict[str, int]
Move = Callable[[Labels], Labels]  # of labels of which stable is what is in production, if anything is
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
    after = before
    if move := chosen(options):
        wait = functools.partial(wait_for, servers=servers, model=name, timeout=options.timeout, console=console)
        after = promote(models, name, move, wait, keys)
    show(console, before, after, versions)


def chosen(options: argparse.Namespace) -> Move | None:
    """Return the move that the command line asks for."""
    if options.canary is not None:
        return functools.partial(to_canary, options.canary)
    if options.stable is not None:
        return functools.partial(to_stable, options.stable)
    return back if options.rollback else None


def address(text: str) -> str:
    """Parse the URL of a server. Raises ArgumentTypeError."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL: {error}; expected one like {SERVER}.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise argparse.ArgumentTypeError(f"{text!r} is not a server; expected one like {SERVER}.")
    return text


def to_canary(version: int, before: Labels) -> Labels:
    """Give a version part of the requests; the stable one stays."""
    if before.get(STABLE) == version:
        raise BadConfig(
            f"Version {version} is in production already; expected a canary beside another, stable version. "
            "Name the stable one first, with --stable VERSION."
        )
    return before | {CANARY: version}


def to_stable(version: int, before: Labels) -> Labels:
    """Make a version the stable one; the one before stays as previous, to go back to."""
    stable = before.get(STABLE)
    after = {label: number for label, number in before.items() if (label, number) != (CANARY, version)}
    if stable not in (None, version):
        after[PREVIOUS] = stable
    return after | {STABLE: version}


def back(before: Labels) -> Labels:
    """Take the canary back if there is one; else make the previous version stable again."""
    if CANARY in before:
        return {label: number for label, number in before.items() if label != CANARY}
    if PREVIOUS not in before:
        raise VersionNotFound(
            "There is no canary to take back and no previous version to go back to; expected one of these labels. "
            "Name a version, with --stable VERSION."
        )
    return {label: number for label, number in before.items() if label != PREVIOUS} | {STABLE: before[PREVIOUS]}


def promote(models: Models, model: str, move: Move, wait: Callable[[str, str, int], None], keys: Keys) -> Labels:
    """Load the versions, move the labels, release what no label names, and return the new labels.

    No request meets a label without its version. Up to the move of the labels the file is put back as it was. After a SIGKILL
    nothing can be, so what is written before leaves production as it was, and a repeat completes it; where there was no config,
    such a kill pins the newest version, and what is published later waits for a promotion, as after one that ended well.

    Args:
        wait: asks every server below a path of the model, whose words it gets too, until a version answers.

    Raises:
        CrosswindError: what could not be done.
    """
    with models.held(model):  # a publisher may delete what the file does not name yet
        original, mark = models.read()
        config = ServerConfig(original, model, f"{models.name}/{labels.CONFIG}")
        before = config.pins
        # Without a policy the newest is loaded, and must stay while requests use it.
        production = before.production or max(models.versions(model), default=None)
        start = {STABLE: production} | before.labels if production else before.labels
        after = move(start)
        versions = sorted(set(after.values()))
        for version in versions:
            models.check(model, version, keys)
        both = {*before.named, *start.values(), *versions}
        # The newest gets no label yet: it may have been published a moment ago, and not be loaded.
        mark = models.replace(config.with_pins(start if before.production else before.labels, both), mark)
    try:
        for version in versions:
            wait(f"versions/{version}", f"version {version}", version)
        mark = models.replace(config.with_pins(after, both), mark)
    except BaseException:  # Ctrl-C too
        models.replace(original, mark)
        raise
    try:
        for label, version in after.items():
            # Not the label's status: TensorFlow Serving ignores the label there, and answers for all versions.
            wait(f"labels/{label}/metadata", f"label {label}", version)
    except PromotionFailed as error:
        message = f"The labels are moved, and the old versions stay loaded until the next promotion: {error}"
        raise PromotionFailed(message) from error
    models.replace(config.with_pins(after, set(versions)), mark)
    return after


def wait_for(path: str, what: str, version: int, *, servers: list[str], model: str, timeout: float, console: Console) -> None:
    """Wait until every server answers with a version. Raises PromotionFailed."""
    for server in servers:
        url = f"{server.rstrip('/')}/v1/models/{model}/{path}"
        deadline = time.monotonic() + timeout
        with console.status(f"Waiting for {what} at {server}"):
            while (state := status(url, version)) != "AVAILABLE":
                if time.monotonic() > deadline:
                    raise PromotionFailed(
                        f"{url} says {state or 'nothing of it'} after {timeout:g} s; expected AVAILABLE with version "
                        f"{version}. Look at the server's log, or name servers with --server, or none with --no-server."
                    )
                time.sleep(POLL_SECONDS)


def status(url: str, version: int) -> str:
    """Ask a URL for the state of a version, or a label's metadata, which answers when its version does.

    Returns the state, else what the server says instead. Raises PromotionFailed if it is not there, or cannot load the version.
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
