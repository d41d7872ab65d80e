"""Common ground of documents, which one node writes as JSON and others read."""

from pydantic import BaseModel, ConfigDict, ValidationError


class Part(BaseModel):
    """Part of a document: immutable; refuses unknown keys, and NaN and infinity, which JSON lacks."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def problems(error: Exception) -> str:
    """Say in one line what is wrong with a document: key by key if pydantic found it."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}".removeprefix(": ") for found in error.errors())
