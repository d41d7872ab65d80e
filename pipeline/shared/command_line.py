"""What the command lines of this package have in common: the options that say which configuration, and where runs write."""

import argparse
from pathlib import Path

from components.shared.command_line import filled
from pipeline import config as configuration
from pipeline.config import Config


def parser(module: str, description: str | None, **further: str) -> argparse.ArgumentParser:
    """A parser with --root, --config and --set.

    Args:
        module: as in `python -m`.
        description: the module's docstring.
        further: arguments of ArgumentParser.
    """
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description, **further)  # type: ignore[arg-type]
    made.add_argument(
        "--root", type=filled, help="folder for everything that runs write (default: run.root of the configuration)"
    )
    made.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE, help="configuration (default: %(default)s)")
    made.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting; repeatable")
    return made


def load(options: argparse.Namespace) -> Config:
    """The configuration that the options mean. Raises BadConfig."""
    return configuration.load(options.config, options.set, {"--root": ("run.root", options.root)} if options.root else None)


def repeated(settings: list[str]) -> list[str]:
    """`--set` before each, for the command line of another process."""
    return [part for setting in settings for part in ("--set", setting)]
