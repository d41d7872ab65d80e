"""The private names that a source file takes from other libraries."""

import ast
from collections.abc import Iterator
from pathlib import Path

OURS = {"pipeline", "components", "data", "serving", "tflite"}
BY_NAME = ("getattr", "hasattr", "setattr", "delattr")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def found(source: str) -> set[str]:
    """Private names that are imported of another library, or that are asked for without being defined in the file."""
    nodes = list(ast.walk(ast.parse(source)))
    own = {name for node in nodes for name in _defined(node)}
    used = [name for node in nodes for name in _used(node)]
    return {name for name in used if is_private(last := name.rpartition(".")[2]) and last not in own}


def of_tree(root: Path) -> dict[str, set[str]]:
    """By path, for the files of the project that have any."""
    paths = [path for package in sorted(OURS) for path in sorted((root / package).rglob("*.py"))]
    return {str(path.relative_to(root)): names for path in paths if (names := found(path.read_text(encoding="utf-8")))}


def _defined(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name) | ast.arg(name):
            yield name
        case ast.Name(name, ast.Store()) | ast.Attribute(_, name, ast.Store()):
            yield name


def _used(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(value, name):
            yield f"{value.id}.{name}" if isinstance(value, ast.Name) else name
        case ast.Import(aliases):
            yield from (part for alias in aliases if not _ours(alias.name) for part in alias.name.split("."))
        case ast.ImportFrom(module, aliases, 0) if not _ours(module or ""):
            yield from (part for name in (module or "", *(alias.name for alias in aliases)) for part in name.split("."))
        case ast.Call(ast.Name(function), [_, ast.Constant(name), *_]) if function in BY_NAME:
            yield str(name)


def _ours(module: str) -> bool:
    return module.partition(".")[0] in OURS
