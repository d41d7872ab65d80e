"""The manifest of a version: what was published, what it comes from, and who must have signed it. Imports nothing heavy.

`manifest.json` of a version; `Manifest.model_json_schema()` is its JSON Schema. Manifests of older code are read too: a fact
that they do not state is empty, and one that is no longer stated is kept, so that a rollback carries it on.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from components.model_store.signature import NO_KEYS, SIGNATURE, Keys, is_signed
from components.shared.documents import Part, problems
from components.shared.errors import CorruptModel, SignatureInvalid
from components.shared.metric_names import OVERALL

MANIFEST = "manifest.json"
GO_BACK = (
    "`python -m pipeline.rollback --problem FOLDER`, or `python -m serving.promote --problem FOLDER` where a models.config "
    "says what is served"
)


def _below(name: str) -> str:
    path = PurePosixPath(name)
    if str(path) != name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} is not a path below the folder")
    return name


File = Annotated[str, AfterValidator(_below)]
Sum = Annotated[str, StringConstraints(pattern=re.compile("^[0-9a-f]{64}$"))]


class Facts(Part):
    """What the publisher of a model states of it."""

    model: str = Field(default="", description="its name")
    created: str = Field(default="", description="ISO 8601, UTC")
    span: str = Field(default="", description="the newest that it was trained on")
    window: list[str] = Field(default=[], description="spans that it was trained on and evaluated with")
    rows: dict[str, int] = Field(default={}, description="by split")
    metrics: dict[str, dict[str, float]] = Field(default={}, description="by slice or `overall`, then by TFMA's names")
    score_histogram: list[float] = Field(default=[], description="evaluation rows by score, in equally wide buckets of [0, 1]")
    git_commit: str = ""
    configuration: dict[str, dict[str, Any]] = Field(default={}, description="all settings, by section")
    tensorflow: str = Field(default="", description="TensorFlow's version")

    @property
    def overall(self) -> dict[str, float]:
        """Its metrics over all evaluation rows."""
        return self.metrics.get(OVERALL, {})


class Withdrawn(Part):
    """A version that a rollback took out of production: its model is not published again."""

    version: int
    model: str = Field(description="the model's digest")


class Manifest(Facts):
    """All that is stated of a version."""

    version: int = 0
    files: dict[File, Sum] = Field(description="SHA-256 of each file but the manifest, by its path below the folder")
    withdrawn: list[Withdrawn] = []
    restored_from: int | None = Field(default=None, description="the version that a rollback brought back as this one")
    restored: str = Field(default="", description="when it did; ISO 8601, UTC")

    def content(self) -> bytes:
        """Return the bytes of the file: the same for the same facts, and only what was stated."""
        stated = self.model_dump(exclude_unset=True) | (self.model_extra or {})
        return (json.dumps(stated, indent=1, sort_keys=True) + "\n").encode()


def decoded(content: bytes, origin: Path | str) -> Manifest:
    """Read a manifest from its bytes, whoever wrote it. `origin` is named in errors. Raises CorruptModel if it is none."""
    try:
        return Manifest.model_validate_json(content, strict=True, extra="allow")
    except ValueError as error:
        raise unreadable(origin, error) from error


def signed(content: bytes, signature: bytes | None, *, model: str, number: int, origin: str, keys: Keys = NO_KEYS) -> Manifest:
    """Read the manifest of version `number` of `model`, judged by its place, once its signature is checked.

    One of the trusted keys must have made it, unless there are none. `origin` is named in errors. Raises CorruptModel, or
    SignatureInvalid if it is not signed, or was signed as another version.
    """
    if keys.trusted and not (signature and is_signed(content, signature, keys.trusted)):
        found = (
            "was not signed so by a key that is trusted" if signature else f"is not signed: there is no {SIGNATURE} beside it"
        )
        raise _untrusted(origin, found)
    manifest = decoded(content, origin)
    if keys.trusted and (manifest.model, manifest.version) != (model, number):
        raise _untrusted(origin, f"says that it is version {manifest.version} of {manifest.model}")
    return manifest


def unreadable(origin: Path | str, error: Exception) -> CorruptModel:
    """Make the error for a manifest that is none, or is not there."""
    return CorruptModel(
        f"{origin} is not a readable manifest ({problems(error)}). Expected JSON with the SHA-256 of each file. "
        f"Restore it, or go back to another version: {GO_BACK}. A version that is not in production may be deleted."
    )


def _untrusted(origin: str, found: str) -> SignatureInvalid:
    return SignatureInvalid(
        f"{origin} {found}. Expected a version that was published with the key. Restore it, or go back to another version: "
        f"{GO_BACK}. If you know that it is yours, `python -m pipeline.keys sign` signs it."
    )
