"""Roll back: an older version becomes the newest, because a server takes the highest number. Imports nothing heavy."""

import datetime
from pathlib import Path

from components.model_store import labels, store
from components.model_store.manifest import Withdrawn
from components.model_store.signature import NO_KEYS, Keys
from components.model_store.store import Version
from components.shared.errors import CorruptModel, ProductionPinned, VersionNotFound


def restore(folder: Path, number: int | None, keep: int, new_number: int = 0, keys: Keys = NO_KEYS) -> tuple[Version, Version]:
    """Put an older version into production again, as a new version, atomically.

    The versions above it whose models differ are withdrawn: `store.publish` refuses these models from then on.

    Args:
        folder: holds the versions.
        number: which; None: the newest one below production that holds another model and is not withdrawn.
        keep: newest versions to keep, with the new one.
        new_number: for the new version, if it is above all that are there; else (default) the next one.
        keys: the version to restore must be signed by one of them, and the new one is signed with them. Default: none.

    Returns:
        The version restored, and the one that is in production now.

    Raises:
        VersionNotFound: there is no such version, or none to go back to.
        CorruptModel, SignatureInvalid: the version to restore; the one in production may be, that is a reason to go back.
        PublishFailed, BadConfig, ProductionPinned: nothing was changed.
    """
    if not store.versions(folder):
        raise VersionNotFound(f"{folder} holds no version; expected one that was published. There is nothing to go back to.")
    with store.writing(folder):
        if (pinned := labels.read(folder).production) is not None:
            raise ProductionPinned(
                f"{folder.parent / labels.CONFIG} has version {pinned} of {folder.name} in production, whatever is newer. "
                "Expected no version there for a rollback by a new one: it would change nothing for users. "
                "`python -m serving.promote --problem FOLDER --rollback` goes back to the version before, and "
                "`--stable VERSION` to any other."
            )
        present = store.versions(folder)
        source = _predecessor(folder, present, keys) if number is None else _named(folder, present, number, keys)
        store.verify(source)
        facts = {
            "version": max(new_number, present[-1] + 1),
            "restored_from": source.number,
            "restored": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "withdrawn": _withdrawn(folder, present, source, keys),
        }
        version = store.write(folder, source.folder, {}, source.manifest.model_copy(update=facts), keys=keys)
        store.prune(folder, keep)
    return source, version


def _withdrawn(folder: Path, present: list[int], source: Version, keys: Keys) -> list[Withdrawn]:
    """List what must not be published again: the models above the source, and those they withdrew; never the source's own."""
    above = [*filter(None, (_readable(folder, number, keys) for number in present if number > source.number))]
    # The source's own list too: the manifests above it, which repeat it, may be the corrupt ones.
    entries = {entry.version: entry for version in (source, *above) for entry in version.manifest.withdrawn}
    entries |= {version.number: Withdrawn(version=version.number, model=version.model_digest) for version in above}
    return [entry for _, entry in sorted(entries.items()) if entry.model != source.model_digest]


def _named(folder: Path, present: list[int], number: int, keys: Keys) -> Version:
    if number in present:
        return store.read(folder, number, keys)
    raise VersionNotFound(
        f"There is no version {number} in {folder}. Expected one of {', '.join(map(str, present))}; "
        f"{present[-1]} is in production."
    )


def _predecessor(folder: Path, present: list[int], keys: Keys) -> Version:
    """Find the newest version below the one in production that holds another model and is not withdrawn."""
    current = _readable(folder, present[-1], keys)
    out = {current.model_digest, *(entry.model for entry in current.manifest.withdrawn)} if current else set()
    for number in reversed(present[:-1]):
        if (version := _readable(folder, number, keys)) and version.model_digest not in out:
            return version
    raise VersionNotFound(
        f"Below version {present[-1]}, which is in production, {folder} holds no other model that was not rolled back already; "
        f"there are {', '.join(map(str, present))}. Name one with --to to have it nevertheless."
    )


def _readable(folder: Path, number: int, keys: Keys) -> Version | None:
    """Read a version; None if its manifest cannot be read or is not signed, as nothing is known of its model then."""
    try:
        return store.read(folder, number, keys)
    except CorruptModel:
        return None
