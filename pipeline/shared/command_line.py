"""The options that this package's command lines share: which configuration, and where runs write."""

import argparse
from pathlib import Path

from components.shared import problem_folder
from components.shared.command_line import filled
from data import DEFAULT_PROBLEM
from pipeline import config as configuration
from pipeline.config import Config


def parser(module: str, description: str | None, **further: str) -> argparse.ArgumentParser:
    """Make a parser with --problem, --root, --config and --set.

    Args:
        module: as in `python -m`.
        description: the module's docstring.
        further: arguments of ArgumentParser.
    """
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description, **further)  # type: ignore[arg-type]
    add_configuration(made)
    made.add_argument(
        "--root", type=filled, help="folder for everything that runs write (default: run.root of the configuration)"
    )
    return made


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add --problem, --config and --set: the options that say which configuration."""
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE, help="configuration (default: %(default)s)")
    parser.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting; repeatable"
    )


def load(options: argparse.Namespace) -> Config:
    """Load the configuration that the options describe. Raises BadConfig."""
    root = getattr(options, "root", None)  # keys.py has no such option
    given = {"--root": ("run.root", root)} if root else None
    return configuration.load(options.config, options.set, given, options.problem)


def again(options: argparse.Namespace) -> list[str]:
    """Return the options for the same configuration in another process, started in the same folder."""
    return ["--problem", str(options.problem), "--config", str(options.config), *repeated(options.set)]


def repeated(settings: list[str]) -> list[str]:
    """Put `--set` before each setting, for the command line of another process."""
    return [part for setting in settings for part in ("--set", setting)]
