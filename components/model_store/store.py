"""Keep a folder of numbered versions, as TensorFlow Serving polls it. Writes are atomic and durable. Imports nothing heavy.

A version is a folder with a decimal name. It is written beside the others under a name that no server looks at, forced to
the disk, and renamed: a crash at any moment leaves all of it or none. Where there are keys, a manifest counts once its
signature is checked; a file counts once its SHA-256 is.
"""

import hashlib
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.model_store import contents, labels
from components.model_store.contents import differences, sums
from components.model_store.manifest import GO_BACK, MANIFEST, Facts, Manifest, signed, unreadable
from components.model_store.signature import NO_KEYS, SIGNATURE, Keys, sign
from components.shared.errors import CorruptModel, CrosswindError, PublishFailed, VersionNotFound
from components.shared.files import TEMPORARY_PREFIX, fsync, fsync_tree, locked, sha256, temporary_folder

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """A published version: its number, its folder, its manifest, and the SHA-256 of the manifest's bytes."""

    number: int
    folder: Path
    manifest: Manifest
    digest: str

    @property
    def model_digest(self) -> str:
        """The identity of its model: SHA-256 over the model's own files."""
        return contents.model_digest(self.manifest.files)


def versions(folder: Path) -> list[int]:
    """List the numbers of the versions in `folder`, oldest first; none if there is no such folder."""
    return sorted(int(path.name) for path in folder.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())


def production(folder: Path, keys: Keys = NO_KEYS) -> Version | None:
    """Read the version that users get: the one that models.config pins, else the newest. None if nothing was published.

    Raises CorruptModel or SignatureInvalid as `read`, VersionNotFound if the pinned version is not there, BadConfig.
    """
    numbers = versions(folder)
    pinned = labels.read(folder).production
    if pinned is not None and pinned not in numbers:
        raise VersionNotFound(
            f"{folder.parent / labels.CONFIG} has version {pinned} of {folder.name} in production, which is not in {folder}. "
            f"Expected one of {', '.join(map(str, numbers)) or 'none'}. Restore its folder, or name another version there."
        )
    return read(folder, pinned or numbers[-1], keys) if numbers else None


def newest(folder: Path, keys: Keys = NO_KEYS) -> Version | None:
    """Read the version that was published last, in production or not. Raises CorruptModel."""
    numbers = versions(folder)
    return read(folder, numbers[-1], keys) if numbers else None


def read(folder: Path, number: int, keys: Keys = NO_KEYS) -> Version:
    """Read a version's manifest. Raises CorruptModel, or SignatureInvalid if no key signed it as this version of this model."""
    path = folder / str(number) / MANIFEST
    try:
        content = path.read_bytes()
        beside = path.with_name(SIGNATURE)
        signature = beside.read_bytes() if beside.exists() else None
    except OSError as error:
        raise unreadable(path, error) from error
    manifest = signed(content, signature, model=folder.name, number=number, origin=str(path), keys=keys)
    return Version(number, path.parent, manifest, hashlib.sha256(content).hexdigest())


def verify(version: Version, folder: Path | None = None) -> None:
    """Raise CorruptModel if a file of a version, or of its copy in `folder`, is missing, changed, added, or a link."""
    if wrong := differences({**version.manifest.files, MANIFEST: version.digest}, sums(folder or version.folder)):
        raise CorruptModel(
            f"Version {version.number} in {version.folder} differs from its manifest: {', '.join(wrong)}. Expected the files "
            f"as they were published. Restore them, or go back to another version: {GO_BACK}."
        )


def copy(version: Version, target: Path) -> None:
    """Copy a version into a new folder, and `verify` the copy, so that what is loaded from there is what was compared."""
    shutil.copytree(version.folder, target, symlinks=True)
    try:
        verify(version, target)
    except CorruptModel:
        shutil.rmtree(target)
        raise


def publish(
    folder: Path,
    model: Path,
    extra: Mapping[str, Path],
    facts: Facts,
    keep: int,
    *,
    number: int | None = None,
    keys: Keys = NO_KEYS,
) -> tuple[Version, str]:
    """Add a model as the newest version, unless it already is there, or was taken out of production.

    The newest version is in production, unless a models.config pins another one: then it waits for `serving.promote`.

    Args:
        folder: holds the versions; created if missing.
        model: a folder, copied whole.
        extra: further files, by their name in the version.
        facts: what the manifest states besides the files' sums and the version.
        keep: newest versions to keep, with the new one; older ones are deleted, unless models.config names them.
        number: of the version, above all that are there; None (default): the next one.
        keys: the versions there must be signed by one of them, and the new one is signed with them. Default: none.

    Returns:
        The new version and an empty text; or the version that holds the same model already, in production or newest, and why
        nothing is new, as after a run that was killed right after its push: pushing again would only displace older versions.
        For a model that was withdrawn, the version in production.

    Raises PublishFailed if nothing was published, and as `production` and `newest`, which are compared with.
    """
    with writing(folder):
        version, reason = _add(folder, model, extra, facts, number=number, keys=keys)
        prune(folder, keep)  # even if nothing is new: a publisher may have been killed right after its push
    return version, reason


def _add(
    folder: Path, model: Path, extra: Mapping[str, Path], facts: Facts, *, number: int | None, keys: Keys
) -> tuple[Version, str]:
    current, last = production(folder, keys), newest(folder, keys)
    files = contents.sums_of_model(model)
    digest = contents.model_digest(files)
    # The newest has the whole list: each version repeats that of the one before, and only a rollback shortens it.
    withdrawn = last.manifest.withdrawn if last else []
    if current and digest == current.model_digest:
        return current, f"version {current.number} in production is this very model"
    if last and digest == last.model_digest:
        return last, f"version {last.number}, which is not in production, is this very model"
    if earlier := [entry.version for entry in withdrawn if entry.model == digest]:
        assert current
        return current, f"this very model was version {earlier[0]}, which a rollback took out of production"
    number = max(number or 0, last.number + 1 if last else 1)
    files |= {name: sha256(path) for name, path in extra.items()}
    manifest = Manifest(**facts.model_dump(exclude_unset=True), version=number, files=files, withdrawn=withdrawn)
    return write(folder, model, extra, manifest, keys=keys), ""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, and turn the system's errors into PublishFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            for left in folder.glob(f"{TEMPORARY_PREFIX}*"):  # by killed publishers: with the lock, nobody is writing it
                shutil.rmtree(left)
            yield
    except OSError as error:
        if isinstance(error, CrosswindError):
            raise
        raise PublishFailed(
            f"Nothing was published to {folder}: {error}. Expected a writable folder with room for the model; "
            "free some space or correct the rights, and run again."
        ) from error


def prune(folder: Path, keep: int) -> None:
    """Delete all but the `keep` newest versions and those that a models.config names: a server may load them again.

    What cannot be deleted is logged and stays: something was published, and must not be reported as failed.
    """
    named = labels.read(folder).named
    for old in [number for number in versions(folder)[:-keep] if number not in named]:
        try:
            with temporary_folder(folder) as temporary:  # renamed first, so that a server never sees half of it
                (folder / str(old)).rename(temporary / str(old))
        except OSError as error:
            LOG.warning("Version %d in %s is not kept, and cannot be deleted: %s. Delete its folder.", old, folder, error)


def write(folder: Path, model: Path, extra: Mapping[str, Path], manifest: Manifest, *, keys: Keys) -> Version:
    """Write the version that a manifest states. Raises PublishFailed if a file was changed meanwhile."""
    target, content = folder / str(manifest.version), manifest.content()
    with temporary_folder(folder) as temporary:
        shutil.copytree(model, temporary, dirs_exist_ok=True)
        for name in (MANIFEST, SIGNATURE):  # of the version that is restored
            (temporary / name).unlink(missing_ok=True)
        for name, path in extra.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, temporary / name)
        if wrong := differences(manifest.files, sums(temporary)):
            raise PublishFailed(
                f"Nothing was published to {folder}: {', '.join(wrong)} changed while {model} was copied. Expected files that "
                "nobody writes to meanwhile. Run again."
            )
        (temporary / MANIFEST).write_bytes(content)
        if keys.private:
            (temporary / SIGNATURE).write_bytes(sign(content, keys.private))
        fsync_tree(temporary)
        temporary.rename(target)
        fsync(folder)
    return Version(manifest.version, target, manifest, hashlib.sha256(content).hexdigest())
