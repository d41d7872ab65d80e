"""Which tests are not collected where a part of the project was left out, as pipeline/README.md says how."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
TESTS = Path(__file__).parent
ROOTS = ("pipeline", "components", "data", "serving", "tflite", "tests")
# What they look at has every part: whole runs, pages, images, the DAG with all of its nodes, the README.
WHOLE = ["beam", "browser", "containers", "e2e", "serving", "tflite", "supply_chain", "test_readmes.py", "test_docstrings.py"]
WHOLE += ["components/shared/test_nodes.py", "components/shared/test_drivers.py", "components/columnar/test_private_names.py"]


def parts(readme: Path = REPOSITORY / "pipeline" / "README.md") -> dict[str, tuple[list[str], list[tuple[str, str]]]]:
    """Read the table of parts: for each the files and folders that are deleted, and lines with the file that each stands in."""
    section = readme.read_text(encoding="utf-8").partition("## What you do not need can be left out")[2].partition("\n## ")[0]
    found = {}
    for row in re.findall(r"^\| (.+) \| (`.+`) \| (.+) \|$", section, re.MULTILINE):
        lines, file = [], ""
        for named, code in re.findall(r"in `([^`]+)`:|`([^`]+)`", row[2]):
            file = named or file
            lines += [(file, code)] if code else []
        found[row[0]] = re.findall(r"`([^`]+)`", row[1]), lines
    return found


def ignored() -> list[str]:
    """List the tests' files and folders that need what is not there, relative to the folder of the tests."""
    gone = [path for paths, _ in parts().values() for path in paths if not (REPOSITORY / path).exists()]
    if not gone:
        return []
    unusable = [path for path in TESTS.rglob("*.py") if not importable(path)]
    folders = [path.parent for path in unusable if path.name == "conftest.py"]  # pytest imports it before it looks at files
    return WHOLE + [str(path.relative_to(TESTS)) for path in [*folders, *unusable]]


def lacks(item) -> bool:
    """Whether a test, or its parameter `module`, needs a module that was left out; the mark `needs` names one."""
    named = [mark.args[0] for mark in item.iter_markers("needs")]
    given = getattr(getattr(item, "callspec", None), "params", {}).get("module")
    return any(map(is_gone, [*named, *([given] if isinstance(given, str) else [])]))


def is_gone(module: str) -> bool:
    """Whether a module is one of the project that was left out."""
    path = REPOSITORY.joinpath(*module.split("."))
    return module.partition(".")[0] in ROOTS and not path.is_dir() and not path.with_suffix(".py").exists()


@cache
def importable(path: Path) -> bool:
    """Whether all modules of the project that a file imports are there, and what those of the tests import."""
    for module in imports(path):
        source = REPOSITORY.joinpath(*module.split(".")).with_suffix(".py")
        if is_gone(module) or (module.startswith("tests.") and source.exists() and not importable(source)):
            return False
    return True


def imports(path: Path) -> Iterator[str]:
    """Name the project's modules that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            folder = REPOSITORY.joinpath(*node.module.split(".")).is_dir()
            names = [f"{node.module}.{alias.name}" for alias in node.names] if folder else [node.module]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in ROOTS)
