"""Digest what a node runs: the source of this project that it imports, and the libraries that compute."""

import ast
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
LIBRARIES = ["tfx", "tensorflow", "keras", "tensorflow-data-validation", "tensorflow-model-analysis", "tensorflow-transform"]
LIBRARIES += ["apache-beam", "ml-metadata", "ai-edge-litert", "numpy", "pandas", "pyarrow"]


@cache
def versions() -> dict[str, str]:
    """Return the releases of Python and of the libraries that decide what a node makes."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


@cache
def at_start(module: str) -> str:
    """Return the module's `digest` when this process first asked: what was imported then is what runs, despite later edits."""
    return digest(module, CHECKOUT)


def digest(module: str, checkout: Path = CHECKOUT) -> str:
    """Compute the SHA-256 over the `files` of a module, as they are now.

    Anything after its dotted name, as a class, is ignored. A library has no source here.
    """
    total = hashlib.sha256()
    for name, source in sorted(files(module, checkout).items()):
        total.update(f"{name} {len(source)}\n".encode() + source)
    return total.hexdigest()


def files(module: str, checkout: Path = CHECKOUT) -> dict[str, bytes]:
    """Read the source of a module and of all it imports from the checkout, at any depth, also in functions, by path."""
    read: dict[str, bytes] = {}
    seen, names = {module}, [module]
    while names:
        for path in _files(names.pop(), checkout):
            name = str(path.relative_to(checkout))
            if name not in read:
                read[name] = path.read_bytes()
                found = set(_imports(read[name], name)) - seen
                seen |= found
                names += found
    return read


def _files(name: str, checkout: Path) -> Iterator[Path]:
    """List the module's file, and those of the packages that it is in: an import runs them too."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = checkout.joinpath(*parts[:end])
        yield from (path for path in (place / "__init__.py", place.with_name(f"{place.name}.py")) if path.is_file())


@cache
def _imports(source: bytes, name: str) -> frozenset[str]:
    """List the dotted names that a file imports; each may be a module, or something in one."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # an unfinished edit, of what no node has imported yet: its bytes count
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            within = Path(name).parts[: -node.level] if node.level else ()
            base = ".".join(filter(None, [*within, node.module]))
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return frozenset(found)
