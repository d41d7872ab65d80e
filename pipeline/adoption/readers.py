"""Packages that read what the project alone cannot: each is taken where it is installed, and named where it is not."""

from importlib import import_module
from types import ModuleType

from components.shared.errors import BadConfig

GROUP = "readers"  # of dependencies, in pyproject.toml
PACKAGES = {
    "deltalake": "deltalake",
    "pyiceberg.table": "pyiceberg",
    "adbc_driver_postgresql.dbapi": "adbc-driver-postgresql",
}


def module(name: str, what: str) -> ModuleType:
    """Import one of PACKAGES. Raises BadConfig, which says that it is missing for `what`, and how it is installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise BadConfig(
            f"{what}, and its reader is not installed. Expected the package {PACKAGES[name]}: uv sync --group {GROUP} "
            "(.tools/bin/uv where the machine has no uv)."
        ) from error
