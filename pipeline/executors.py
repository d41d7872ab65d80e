"""Which classes run the nodes that have a twin on columns: TFX's own, or those of components/columnar."""

import importlib
import importlib.metadata
import types
from typing import TypeVar

from tfx.dsl.components.base.base_component import BaseComponent

from components.shared.errors import BadConfig
from pipeline.shared.sections import Components

Node = TypeVar("Node", bound=BaseComponent)


def chosen(node: type[Node], settings: Components) -> type[Node]:
    """Choose the class that does what `node` does: `node` itself, or its twin on columns.

    A twin has the same name, in a folder of the same name: `tfx.components.transform.component.Transform` has
    `components.columnar.transform.component.Transform`. Where "stock" is chosen nothing of that room is imported.

    Raises:
        BadConfig: a library that is installed lacks a name that the twin rests on.
    """
    if settings.executors == "stock":
        return node
    folder = node.__module__.split(".")[-2]
    try:
        return getattr(importlib.import_module(f"components.columnar.{folder}.component"), node.__name__)
    except (ImportError, AttributeError) as error:
        if not (library := _library(error)):
            raise
        raise BadConfig(
            f"{node.__name__} on columns needs a name that {library} does not have: {error}. Install the releases that uv.lock "
            'states, or set components.executors = "stock" for TFX\'s own classes. See components/columnar/README.md.'
        ) from error


def _library(error: ImportError | AttributeError) -> str:
    """Name and release of the library that lacks a name; empty if none does."""
    if isinstance(error, ImportError):
        module = error.name or ""
    else:
        module = error.obj.__name__ if isinstance(error.obj, types.ModuleType) else type(error.obj).__module__
    package = module.partition(".")[0]
    try:
        return f"{package.replace('_', '-')} {importlib.metadata.version(package)}"
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""
