"""Put an older version back into production, as a new version: a server takes the highest number."""

import argparse
import contextlib
import sys
from pathlib import Path

from rich.console import Console

from components.model_store import store
from components.model_store.restore import restore
from components.model_store.signature import Keys, read_keys
from components.shared import tasks
from components.shared.command_line import ended, whole
from components.shared.errors import CorruptModel, CrosswindError, Exit
from pipeline.config import Config
from pipeline.shared import command_line


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when an older version is in production again."""
    parser = command_line.parser("pipeline.rollback", __doc__)
    parser.add_argument("--to", type=whole, metavar="VERSION", help="version (default: the one before with another model)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> Exit:
    """Restore both models, and say so; FAILED when the phones' model stays as it is. Raises CrosswindError."""
    config = command_line.load(options)
    keys = read_keys(config.publish.public_key, config.publish.signing_key)
    if options.to is None and (version := half_done(config, keys)) and (begun := version.manifest.restored_from):
        console.print(f"Version {version.number} is in production by an earlier rollback, which was not finished for phones.")
        return follow(config, begun, version.number, keys, console)
    before = store.versions(config.serving_folder)
    unknown = unreadable(config.serving_folder, before, keys)
    source, version = restore(config.serving_folder, options.to, config.publish.keep, keys=keys)
    console.print(f"[green bold]Version {source.number} is in production again[/], as version {version.number}:", end=" ")
    console.print(describe(version))
    console.print(f"It takes the place of version {before[-1]}, in {config.serving_folder}.")
    if withdrawn := [str(entry.version) for entry in version.manifest.withdrawn]:
        console.print(f"No run publishes the model of version {', '.join(withdrawn)} again.")
    if newer := [str(number) for number in unknown if number > source.number]:
        console.print(
            f"The manifest of version {', '.join(newer)} cannot be read or is not signed: its model is unknown, and a run may "
            "publish it."
        )
    return follow(config, source.number, version.number, keys, console)


def half_done(config: Config, keys: Keys) -> store.Version | None:
    """Return the version in production if phones should have followed a rollback to it; one more would withdraw that model."""
    try:
        version, phones = store.production(config.serving_folder, keys), store.versions(config.mobile_folder)
    except CorruptModel:
        return None  # a good reason to go back
    source = version.manifest.restored_from if version else None
    if version is None or source not in phones or version.number <= phones[-1]:
        return None
    try:
        store.verify(store.read(config.mobile_folder, source, keys))
    except CorruptModel:
        return None  # phones cannot follow: it was finished as far as it can be
    return version


def follow(config: Config, source: int, number: int, keys: Keys, console: Console) -> Exit:
    """Take the phones' model of version `source` back into production, as version `number`."""
    try:
        restore(config.mobile_folder, source, config.publish.keep, number, keys)
        console.print(f"The model for phones went back with it, to {config.mobile_folder / str(number)}.")
    except CrosswindError as error:
        console.print("[yellow bold]The model for phones stays as it is:[/] ", end="")
        console.print(str(error), markup=False)
        return Exit.FAILED
    return Exit.DONE


def unreadable(folder: Path, numbers: list[int], keys: Keys) -> list[int]:
    """List the versions whose model is unknown: their manifest is missing, corrupt, or not signed where there are keys."""
    found = list(numbers)
    for number in numbers:
        with contextlib.suppress(CorruptModel):
            store.read(folder, number, keys)
            found.remove(number)
    return found


def describe(version: store.Version) -> str:
    """Say when a version was trained, and how good it was."""
    metrics = version.manifest.overall
    by = tasks.measured(metrics).decides
    quality = f", {by.name} {by.figure(metrics[by.key])} when it was published" if by.key in metrics else ""
    return f"trained up to {version.manifest.span or 'an unknown span'}{quality}."


if __name__ == "__main__":
    sys.exit(main())
