"""What a node runs, in a digest: the source of this project that it imports, and the libraries that compute."""

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
    """Of Python and of the libraries whose release decides what a node makes."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


@cache
def at_start(module: str) -> str:
    """The module's `digest` when this process first asked: what was imported then is what runs, whatever is edited since."""
    return digest(module, CHECKOUT)


def digest(module: str, checkout: Path = CHECKOUT) -> str:
    """SHA-256 over the `files` of a module, as they are now.

    Args:
        module: its dotted name; what follows a module's name, as a class in it, is left aside. A library has no source here.
        checkout: where the project's packages are.
    """
    total = hashlib.sha256()
    for name, source in sorted(files(module, checkout).items()):
        total.update(f"{name} {len(source)}\n".encode() + source)
    return total.hexdigest()


def files(module: str, checkout: Path = CHECKOUT) -> dict[str, bytes]:
    """The source of a module and of all that it imports of the checkout, at any depth, in functions too, by path."""
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
    """The module's file, and those of the packages that it is in: an import runs them too."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = checkout.joinpath(*parts[:end])
        yield from (path for path in (place / "__init__.py", place.with_name(f"{place.name}.py")) if path.is_file())


@cache
def _imports(source: bytes, name: str) -> frozenset[str]:
    """Dotted names that a file imports; each may be a module, or something in one."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # an edit under way, of what no node has imported yet: its bytes count
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            within = Path(name).parts[: -node.level] if node.level else ()
            base = ".".join([*within, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return frozenset(found)
