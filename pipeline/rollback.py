"""Puts an older version back into production, as a new version: a server takes the highest number."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from components.errors import BadConfig, CorruptModel, CrosswindError
from components.publisher import store
from components.publisher.restore import restore
from pipeline import config as configuration


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when an older version is in production again, 2 for a wrong setting, else 1."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.rollback", description=__doc__)
    parser.add_argument("--to", type=int, metavar="VERSION", help="version (default: the one before with another model)")
    parser.add_argument("--root", help="folder that runs write to (default: run.root of the configuration)")
    parser.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE, help="configuration (default: %(default)s)")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        config = configuration.load(options.config, options.set + ([f"run.root={options.root}"] if options.root else []))
        before = store.versions(config.serving_folder)
        unknown = unreadable(config.serving_folder, before)
        source, version = restore(config.serving_folder, options.to, config.publish.keep)
    except CrosswindError as error:
        console.print(f"[red bold]{type(error).__name__}:[/] ", end="")
        console.print(str(error), markup=False)
        return 2 if isinstance(error, BadConfig) else 1
    console.print(f"[green bold]Version {source.number} is in production again[/], as version {version.number}:", end=" ")
    console.print(describe(version))
    console.print(f"It takes the place of version {before[-1]}, in {config.serving_folder}.")
    if withdrawn := [str(entry["version"]) for entry in version.manifest[store.WITHDRAWN]]:
        console.print(f"No run publishes the model of version {', '.join(withdrawn)} again.")
    if newer := [str(number) for number in unknown if number > source.number]:
        console.print(
            f"The manifest of version {', '.join(newer)} cannot be read: its model is unknown, and a run may publish it."
        )
    try:
        restore(config.mobile_folder, source.number, config.publish.keep, version.number)
        console.print(f"The model for phones went back with it, to {config.mobile_folder / str(version.number)}.")
    except CrosswindError as error:
        console.print("[yellow bold]The model for phones stays as it is:[/] ", end="")
        console.print(str(error), markup=False)
        return 1
    return 0


def unreadable(folder: Path, numbers: list[int]) -> list[int]:
    """The versions whose model is unknown, since their manifest is missing or corrupt."""
    found = []
    for number in numbers:
        try:
            store.read(folder, number)
        except CorruptModel:
            found.append(number)
    return found


def describe(version: store.Version) -> str:
    """When it was trained, and how good it was."""
    metrics = version.manifest.get("metrics", {}).get("overall", {})
    quality = f", AUC {metrics['auc']:.3f} when it was published" if "auc" in metrics else ""
    return f"trained up to {version.manifest.get('span', 'an unknown span')}{quality}."


if __name__ == "__main__":
    sys.exit(main())
