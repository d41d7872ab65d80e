"""What commands need of a problem's folder that need nothing else of its configuration. Imports nothing heavy."""

import argparse
import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from components.shared.errors import BadConfig

FILE = "problem.toml"


def add_option(parser: argparse.ArgumentParser | argparse._ArgumentGroup, default: Path) -> None:
    """Add `--problem`, the folder of a problem."""
    parser.add_argument("--problem", type=Path, default=default, help=f"folder of the problem (default: {shown(default)})")


def root(problem: Path) -> Path:
    """Return the folder for everything that runs of a problem write, unless `run.root` says otherwise."""
    return Path("runs") / problem.absolute().name


def tables(path: Path) -> dict[str, Any]:
    """Read the tables of a TOML file. Raises BadConfig."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfig(f"{path} cannot be read as TOML: {error}") from error


def model_name(problem: Path) -> str:
    """Read the name by which clients ask for a problem's model. Raises BadConfig."""
    try:
        return tables(problem / FILE)["problem"]["model"]
    except (BadConfig, KeyError, TypeError) as error:
        raise BadConfig(
            f"--problem {shown(problem)}: its {FILE} names no model ({error!r}). Expected one under [problem]."
        ) from error


def published(problem: Path, to: Literal["serving", "mobile"]) -> Path:
    """Return the folder of the published versions of a problem's model, for servers or for phones. Raises BadConfig."""
    return root(problem) / to / model_name(problem)


def shown(path: Path) -> str:
    """Return a path as a person in this folder writes it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
