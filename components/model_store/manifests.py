"""The manifest of a version: what it must say, who must have signed it, and how files are held against it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from components.model_store.signature import NO_KEYS, SIGNATURE, Keys, is_signed
from components.shared.errors import CorruptModel, SignatureInvalid
from components.shared.files import sha256

MANIFEST = "manifest.json"
GO_BACK = "`python -m pipeline.rollback`, or `python -m serving.promote` where a models.config says what is served"
SHA256 = re.compile("[0-9a-f]{64}")


def parse(
    content: bytes, signature: bytes | None, *, model: str, number: int, origin: str, keys: Keys = NO_KEYS
) -> dict[str, Any]:
    """The manifest of a version; `files` has the SHA-256 of each file by its path below the folder.

    Args:
        content, signature: of the two files; no signature: None.
        model, number: whose manifest it is, by its place.
        origin: of the manifest, for errors.
        keys: it must be signed by one that is trusted, if there are any.

    Raises:
        CorruptModel: it is not a manifest.
        SignatureInvalid: it is not signed, or as another version.
    """
    if keys.trusted and not (signature and is_signed(content, signature, keys.trusted)):
        found = (
            "was not signed so by a key that is trusted" if signature else f"is not signed: there is no {SIGNATURE} beside it"
        )
        raise _untrusted(origin, found)
    try:
        manifest = json.loads(content)
        for name, total in manifest["files"].items():
            path = PurePosixPath(name)
            if str(path) != name or path.is_absolute() or ".." in path.parts or not SHA256.fullmatch(total):
                raise ValueError(f"files has {name!r}: {total!r}")
        if not isinstance(span := manifest.get("span", ""), str):
            raise ValueError(f"span is {span!r}")
        for entry in manifest.get("withdrawn", []):
            if not (isinstance(entry["version"], int) and isinstance(entry["model"], str)):
                raise ValueError(f"withdrawn has {entry!r}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable(origin, error) from error
    if keys.trusted and (manifest.get("model"), manifest.get("version")) != (model, number):
        raise _untrusted(origin, f"says that it is version {manifest.get('version')} of {manifest.get('model')}")
    return manifest


def unreadable(origin: Path | str, error: Exception) -> CorruptModel:
    """What is said of a manifest that is none, or is not there."""
    return CorruptModel(
        f"{origin} is not a readable manifest ({error!r}). Expected JSON with the SHA-256 of each file. "
        f"Restore it, or go back to another version: {GO_BACK}. A version that is not in production may be deleted."
    )


def _untrusted(origin: str, found: str) -> SignatureInvalid:
    return SignatureInvalid(
        f"{origin} {found}. Expected a version that was published with the key. Restore it, or go back to another version: "
        f"{GO_BACK}. If you know that it is yours, `python -m pipeline.keys sign` signs it."
    )


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of everything below a version's folder but its signature; empty for what is no file of its own, as a link."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    regular = {name: (folder / name).is_file() and not (folder / name).is_symlink() for name in names}
    return {str(name): sha256(folder / name) if regular[name] else "" for name in names if str(name) != SIGNATURE}


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Names of the files that are missing, changed or added, by their sums."""
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
