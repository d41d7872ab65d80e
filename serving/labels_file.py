"""The models.config of a folder of models, on this machine or in a bucket: read whole, replaced only if nobody else did."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from components.model_store import labels, store
from components.model_store.contents import differences
from components.model_store.manifest import MANIFEST, signed
from components.model_store.signature import SIGNATURE, Keys
from components.shared import network
from components.shared.errors import BadConfig, CorruptModel, CrosswindError, PromotionFailed, VersionNotFound
from components.shared.files import TEMPORARY_PREFIX, fsync, locked

BUCKET = "gs://"
MISSING = ""  # the mark of a file that is not there


class Models(Protocol):
    """A folder of models."""

    name: str

    def read(self) -> tuple[str, str]:
        """Return the text of models.config and a mark of its state; ("", MISSING) if there is none."""

    def replace(self, text: str, mark: str) -> str:
        """Write the whole file, or remove it if `text` is empty, provided that its state still is `mark`.

        Returns the new mark. Raises PromotionFailed.
        """

    def held(self, model: str) -> AbstractContextManager[None]:
        """Keep publishers from adding or deleting versions of the model. Raises VersionNotFound, PromotionFailed."""

    def versions(self, model: str) -> list[int]:
        """List the published versions of a model, oldest first."""

    def check(self, model: str, version: int, keys: Keys) -> None:
        """Check that a version is as it was published. Raises VersionNotFound, CorruptModel, SignatureInvalid."""


def models_in(folder: str) -> Models:
    """Open the folder of models at a path or a gs:// URL. Raises BadConfig."""
    return Bucket(folder) if folder.startswith(BUCKET) else Local(Path(folder))


class Local:
    """A folder of this machine."""

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise BadConfig(f"{folder} is not a folder; expected one of models, as `make run` publishes them.")
        self._folder, self.name = folder, str(folder)

    def read(self) -> tuple[str, str]:
        """Return the text and its SHA-256."""
        try:
            text = (self._folder / labels.CONFIG).read_text(encoding="utf-8")
        except FileNotFoundError:
            return "", MISSING
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"{self._folder / labels.CONFIG} cannot be read: {error}. Correct the file.") from error
        return text, digest(text)

    def replace(self, text: str, mark: str) -> str:
        """Rename a new file over the old one, under a lock."""
        path = self._folder / labels.CONFIG
        temporary = self._folder / f"{TEMPORARY_PREFIX}{os.getpid()}"
        try:
            with locked(self._folder / ".lock"):
                if self.read()[1] != mark:
                    raise changed(str(path))
                if not text:
                    path.unlink(missing_ok=True)
                else:
                    try:
                        temporary.write_text(text, encoding="utf-8")
                        fsync(temporary)
                        temporary.rename(path)
                    finally:
                        temporary.unlink(missing_ok=True)  # it is there only if it did not become the file
                fsync(self._folder)
        except OSError as error:
            if isinstance(error, CrosswindError):
                raise
            raise PromotionFailed(f"{path} cannot be written: {error}. It is as it was; correct the rights.") from error
        return digest(text) if text else MISSING  # not what is there now: somebody else may have written since

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """Hold the lock that publishing, restoring and deleting take; none of them waits for the lock of the file."""
        folder = self._folder / model
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder / ".lock"))
            except FileNotFoundError as error:
                raise VersionNotFound(
                    f"{folder} does not exist; expected the folder of a published model. Name another."
                ) from error
            except OSError as error:
                raise PromotionFailed(f"{folder} cannot be locked: {error}. No label was moved; correct the rights.") from error
            yield

    def versions(self, model: str) -> list[int]:
        """List the folders with a decimal name."""
        return store.versions(self._folder / model)

    def check(self, model: str, version: int, keys: Keys) -> None:
        """Compare every file with the manifest."""
        present(self, model, version)
        store.verify(store.read(self._folder / model, version, keys))


class Bucket:
    """A folder in Google Cloud Storage; STORAGE_EMULATOR_HOST may name another server of the same protocol."""

    def __init__(self, url: str):
        from google.api_core import exceptions  # noqa: PLC0415  # 0.2 s, which a local folder need not wait for
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.cloud import storage  # noqa: PLC0415

        network.check_for_requests(os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com")
        bucket, _, prefix = url.removeprefix(BUCKET).partition("/")
        self.name, self._exceptions = url.rstrip("/"), exceptions
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        try:
            self._client = storage.Client()
        except (GoogleAuthError, OSError) as error:
            raise BadConfig(f"No access to {url}: {error} Log in with `gcloud auth application-default login`.") from error
        self._bucket = self._client.bucket(bucket)

    def read(self) -> tuple[str, str]:
        """Return the text and the object's generation."""
        try:
            blob = self._bucket.get_blob(self._prefix + labels.CONFIG)
            if blob is None:
                return "", MISSING
            generation = blob.generation
            return blob.download_as_bytes(if_generation_match=generation).decode(), str(generation)
        except self._exceptions.GoogleAPICallError as error:
            raise PromotionFailed(f"{self.name}/{labels.CONFIG} cannot be read: {error.message}") from error

    def replace(self, text: str, mark: str) -> str:
        """Write the object if its generation is still the one that was read."""
        blob = self._bucket.blob(self._prefix + labels.CONFIG)
        try:
            if not text:
                blob.delete(if_generation_match=int(mark))
                return MISSING
            blob.upload_from_string(text, "text/plain", if_generation_match=int(mark or 0))
        except self._exceptions.PreconditionFailed as error:
            raise changed(f"{self.name}/{labels.CONFIG}") from error
        except self._exceptions.GoogleAPICallError as error:
            raise PromotionFailed(f"{self.name}/{labels.CONFIG} cannot be written: {error.message} It is as it was.") from error
        return str(blob.generation)

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """Hold nothing: a bucket has no locks, and no publisher of ours writes to one; versions are copied there."""
        yield

    def versions(self, model: str) -> list[int]:
        """List the folders with a decimal name."""
        listing = self._client.list_blobs(self._bucket, prefix=f"{self._prefix}{model}/", delimiter="/")
        try:
            list(listing)  # the prefixes are known after the last page
        except self._exceptions.GoogleAPICallError as error:
            raise PromotionFailed(f"{self.name} cannot be listed: {error.message}") from error
        names = (prefix.rstrip("/").rpartition("/")[2] for prefix in listing.prefixes)
        return sorted(int(name) for name in names if name.isdecimal())

    def check(self, model: str, version: int, keys: Keys) -> None:
        """Fetch every object and compare it with the manifest."""
        present(self, model, version)
        folder = f"{self._prefix}{model}/{version}/"
        origin = f"{BUCKET}{self._bucket.name}/{folder}"
        try:
            listing = self._client.list_blobs(self._bucket, prefix=folder)
            # A folder may be an object too, with a slash at its end.
            blobs = {blob.name.removeprefix(folder): blob for blob in listing if not blob.name.endswith("/")}
            if MANIFEST not in blobs:
                raise CorruptModel(f"{origin} has no {MANIFEST}. Copy the version again, whole.")
            signature = blobs.pop(SIGNATURE).download_as_bytes() if SIGNATURE in blobs else None
            content = blobs.pop(MANIFEST).download_as_bytes()
            manifest = signed(content, signature, model=model, number=version, origin=origin + MANIFEST, keys=keys)
            found = {name: object_sum(blob) for name, blob in blobs.items()}
        except self._exceptions.GoogleAPICallError as error:
            raise PromotionFailed(f"{origin} cannot be read: {error.message}") from error
        if wrong := differences(manifest.files, found):
            raise CorruptModel(f"{origin} differs from its manifest: {', '.join(wrong)}. Copy the version again, whole.")


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def object_sum(blob) -> str:
    """Return the SHA-256 of an object, read piece by piece: it need not fit into memory."""
    with tempfile.TemporaryFile() as file:
        blob.download_to_file(file)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def present(models: Models, model: str, version: int) -> None:
    """Check that a version is published. Raises VersionNotFound."""
    if version not in (known := models.versions(model)):
        there = f"one of {', '.join(map(str, known))}" if known else "a published model: there is none"
        raise VersionNotFound(f"{models.name}/{model} has no version {version}; expected {there}.")


def changed(path: str) -> PromotionFailed:
    """Return the error for a file that somebody else wrote in between."""
    return PromotionFailed(
        f"{path} was changed by somebody else in the meantime, and is left as they wrote it. Look at it, and try again."
    )
