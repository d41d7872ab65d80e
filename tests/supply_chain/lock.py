"""What uv.lock says: every package, and which of them run in production."""

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
UV = shutil.which("uv") or str(REPOSITORY / ".tools/bin/uv")  # as the Makefile has it
PROJECT = "crosswind"
OURS = {"directory": ".ci/sql_util"}  # source of a package whose files are in this repository


@dataclass(frozen=True)
class Package:
    """A locked package.

    Attributes:
        name, version: as on PyPI.
        runtime: the pipeline or the server needs it; else it is a tool of development, which no image holds.
        optional: only a group needs it that `make setup` does not install.
    """

    name: str
    version: str
    runtime: bool
    optional: bool = False


def packages() -> list[Package]:
    """Every locked package but the project itself, by name."""
    entries = {entry["name"]: entry for entry in read()["package"]}
    runtime = _needed(entries, PROJECT)
    installed = runtime.union(*(_needed(entries, tool["name"]) for tool in entries[PROJECT]["dev-dependencies"]["dev"]))
    return [
        Package(name, entry["version"], name in runtime, name not in installed)
        for name, entry in sorted(entries.items())
        if name != PROJECT
    ]


def read() -> dict:
    """uv.lock as it is."""
    return tomllib.loads((REPOSITORY / "uv.lock").read_text(encoding="utf-8"))


def _needed(entries: dict[str, dict], root: str) -> set[str]:
    """Names of the packages that `root` needs, with the extras that are asked for on the way."""
    found: set[tuple[str, str]] = set()
    to_do = [(root, "")]  # a package, and an extra of it or none
    while to_do:
        name, extra = each = to_do.pop()
        if each in found:
            continue
        found.add(each)
        entry = entries[name]
        needs = entry.get("optional-dependencies", {}).get(extra, []) if extra else entry.get("dependencies", [])
        to_do += [(need["name"], wanted) for need in needs for wanted in ("", *need.get("extra", []))]
    return {name for name, _ in found}
