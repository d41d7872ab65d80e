"""A folder of numbered versions, as TensorFlow Serving polls it. Writes are atomic and durable. Imports nothing heavy.

A version is a folder with a decimal name. It is made beside the others under a name that no server looks at, forced to
the disk, and renamed: a crash at any moment leaves all of it or none.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import CorruptModel, CrosswindError, PublishFailed, VersionNotFound
from components.files import TEMPORARY_PREFIX, files_below, fsync, fsync_tree, locked, sha256, temporary_folder
from components.publisher import labels

MANIFEST = "manifest.json"
STATISTICS = "training_statistics.pb"
WARM_UP = "assets.extra/tf_serving_warmup_requests"  # where TensorFlow Serving looks for it
CARD, CARD_JSON = "model_card.md", "model_card.json"  # for people; the phone's model brings a card.json of another kind
GO_BACK = "`python -m pipeline.rollback`, or `python -m serving.promote` where a models.config says what is served"
WITHDRAWN = "withdrawn"  # of a manifest: versions that a rollback took out of production, each with its model's digest


@dataclass(frozen=True)
class Version:
    """A published version: its number, its folder, and its manifest."""

    number: int
    folder: Path
    manifest: dict[str, Any]


def versions(folder: Path) -> list[int]:
    """Numbers of the versions in `folder`, oldest first; none if there is no such folder."""
    return sorted(int(path.name) for path in folder.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())


def production(folder: Path) -> Version | None:
    """The version that users get: the one that models.config pins, else the newest. None if nothing was published.

    Raises:
        CorruptModel: it has no readable manifest.
        VersionNotFound: models.config pins a version that is not there.
        BadConfig: models.config cannot be read.
    """
    numbers = versions(folder)
    pinned = labels.read(folder).production
    if pinned is not None and pinned not in numbers:
        raise VersionNotFound(
            f"{folder.parent / labels.CONFIG} has version {pinned} of {folder.name} in production, which is not in {folder}. "
            f"Expected one of {', '.join(map(str, numbers)) or 'none'}. Restore its folder, or name another version there."
        )
    return read(folder, pinned or numbers[-1]) if numbers else None


def newest(folder: Path) -> Version | None:
    """The version that was published last, in production or not. Raises CorruptModel."""
    numbers = versions(folder)
    return read(folder, numbers[-1]) if numbers else None


def read(folder: Path, number: int) -> Version:
    """Reads a version's manifest.

    Raises:
        CorruptModel: there is none, or it is not a manifest.
    """
    path = folder / str(number) / MANIFEST
    try:
        manifest = parse(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptModel(
            f"{path} is not a readable manifest ({error!r}). Expected JSON with the SHA-256 of each file. "
            f"Restore it, or go back to another version: {GO_BACK}. "
            "A version that is not in production may be deleted."
        ) from error
    return Version(number, path.parent, manifest)


def parse(manifest: bytes) -> dict[str, Any]:
    """The manifest of a version; `files` is there. Raises ValueError, KeyError, TypeError, AttributeError."""
    parsed = json.loads(manifest)
    parsed["files"].items()
    return parsed


def verify(version: Version) -> None:
    """Compares every file of a version with its manifest.

    Raises:
        CorruptModel: a file is missing, was changed, or was added.
    """
    expected = version.manifest["files"]
    found = {str(path): sha256(version.folder / path) for path in files_below(version.folder) if str(path) != MANIFEST}
    if wrong := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        raise CorruptModel(
            f"Version {version.number} in {version.folder} differs from its manifest: {', '.join(wrong)}. Expected the files "
            f"as they were published. Restore them, or go back to another version: {GO_BACK}."
        )


def publish(
    folder: Path,
    model: Path,
    extra: Mapping[str, Path],
    facts: Mapping[str, Any],
    keep: int,
    *,
    number: int | None = None,
) -> tuple[Version, str]:
    """Adds a model as the newest version, unless it already is there, or was taken out of production.

    The newest version is in production, unless a models.config pins another one: then it waits for `serving.promote`.

    Args:
        folder: holds the versions; made if need be.
        model: a folder, copied whole.
        extra: further files, by their name in the version.
        facts: what the manifest states beside the files' sums and the version.
        keep: newest versions to keep, the new one included; older ones are deleted, unless models.config names them.
        number: of the version, above all that are there; None: the next one.

    Returns:
        The new version and an empty text; or the version that holds the same model already, in production or newest, and why
        nothing is new, as after a run that was killed right behind its push: pushing again would only displace older versions.
        Of a model that was withdrawn, the version in production.

    Raises:
        PublishFailed: nothing was published; the versions are as they were.
        CorruptModel: the newest version, or the one in production, cannot be compared with.
        VersionNotFound: models.config pins a version that is not there.
        BadConfig: models.config cannot be read.
    """
    with writing(folder):
        version, reason = _add(folder, model, extra, facts, number)
        prune(folder, keep)  # even if nothing is new: a publisher may have been killed right behind its push
    return version, reason


def _add(
    folder: Path, model: Path, extra: Mapping[str, Path], facts: Mapping[str, Any], number: int | None
) -> tuple[Version, str]:
    current, last = production(folder), newest(folder)
    digest = _digest({str(path): sha256(model / path) for path in files_below(model)})
    # The newest has the whole list: each version carries on that of the one before, and only a rollback shortens it.
    withdrawn = last.manifest.get(WITHDRAWN, []) if last else []
    if current and digest == model_digest(current):
        return current, f"version {current.number} in production is this very model"
    if last and digest == model_digest(last):
        return last, f"version {last.number}, which is not in production, is this very model"
    if earlier := [entry["version"] for entry in withdrawn if entry["model"] == digest]:
        assert current
        return current, f"this very model was version {earlier[0]}, which a rollback took out of production"
    number = max(number or 0, last.number + 1 if last else 1)
    return write(folder, number, model, extra, {**facts, WITHDRAWN: withdrawn}), ""


def model_digest(version: Version) -> str:
    """SHA-256 over the names and sums of the model's own files, without what was published beside it."""
    return _digest(version.manifest["files"])


def _digest(sums: Mapping[str, str]) -> str:
    # The card in the phone's folder is left out too: the model has it inside.
    own = sorted((name, total) for name, total in sums.items() if name not in (STATISTICS, WARM_UP, CARD, CARD_JSON))
    return hashlib.sha256(json.dumps(own).encode()).hexdigest()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds the folder's lock; turns the system's errors into PublishFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            _remove_leftovers(folder)
            yield
    except OSError as error:
        if isinstance(error, CrosswindError):
            raise
        raise PublishFailed(
            f"Nothing was published to {folder}: {error}. Expected a writable folder with room for the model; "
            "free some space or correct the rights, and run again."
        ) from error


def prune(folder: Path, keep: int) -> None:
    """Deletes all but the `keep` newest versions and those that a models.config names: a server may load them again."""
    named = labels.read(folder).named
    for old in [number for number in versions(folder)[:-keep] if number not in named]:
        _delete(folder, old)


def write(folder: Path, number: int, model: Path, extra: Mapping[str, Path], facts: Mapping[str, Any]) -> Version:
    target = folder / str(number)
    with temporary_folder(folder) as temporary:
        shutil.copytree(model, temporary, dirs_exist_ok=True)
        (temporary / MANIFEST).unlink(missing_ok=True)  # of the version that is restored
        for name, path in extra.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, temporary / name)
        sums = {str(path): sha256(temporary / path) for path in files_below(temporary)}
        manifest = {**facts, "version": number, "files": sums}
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        fsync_tree(temporary)
        temporary.rename(target)
        fsync(folder)
    return Version(number, target, manifest)


def _delete(folder: Path, number: int) -> None:
    """Renames first, so that a server never sees half a version."""
    with temporary_folder(folder) as temporary:
        (folder / str(number)).rename(temporary / str(number))


def _remove_leftovers(folder: Path) -> None:
    """Removes what killed publishers left. The lock is held, so nobody is writing them."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        shutil.rmtree(path)
