"""Common ground of documents, which one node writes as JSON and others read."""

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from components.shared.errors import shown


class Part(BaseModel):
    """Part of a document: immutable; refuses unknown keys, and NaN and infinity, which JSON lacks."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def problems(error: Exception) -> str:
    """Say in one line what is wrong with a document: key by key if pydantic found it."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{_where(found)}: {found['msg']}".removeprefix(": ") for found in error.errors())


def _where(found: ErrorDetails) -> str:
    """Name a key, with its value where that is a single one that may be shown."""
    key, value = ".".join(map(str, found["loc"])), found["input"]
    return f"{key} = {shown(repr(value))}" if key and isinstance(value, int | float | str) else key
