"""The models.config of a folder of models, on this machine or in a bucket: read whole, replaced only if nobody else did."""

import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format

from components.model_store import labels, store
from components.model_store.contents import differences
from components.model_store.manifest import MANIFEST, signed
from components.model_store.signature import SIGNATURE, Keys
from components.shared import network
from components.shared.errors import BadConfig, CorruptModel, CrosswindError, PromotionFailed, VersionNotFound
from components.shared.files import TEMPORARY_PREFIX, fsync, locked

BUCKET = "gs://"
MISSING = ""  # the mark of a file that is not there


@dataclass(frozen=True)
class ServerConfig:
    """The text of a models.config, and the one model in it whose labels move.

    Comments above the first setting are kept; the proto has no place for others.
    """

    text: str
    model: str
    origin: str

    @property
    def pins(self) -> labels.Pins:
        """Return what it says of the model. Raises BadConfig."""
        return labels.pins(labels.parse(self.text, self.origin), self.model, self.origin)

    def with_pins(self, named: dict[str, int], loaded: set[int]) -> str:
        """Return the text with these labels and these versions loaded, all else as it was."""
        config = labels.parse(self.text, self.origin)
        models = config.model_config_list.config
        entry = next((each for each in models if each.name == self.model), None)
        entry = entry or models.add(name=self.model, base_path=f"/models/{self.model}", model_platform="tensorflow")
        entry.ClearField("version_labels")
        entry.version_labels.update(named)
        entry.model_version_policy.Clear()
        entry.model_version_policy.specific.versions.extend(sorted(loaded))
        lines = self.text.splitlines(keepends=True)
        comments = itertools.takewhile(lambda line: not line.strip() or line.startswith("#"), lines)
        return "".join(comments) + text_format.MessageToString(config)


class Local:
    """A folder of models on this machine."""

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise BadConfig(f"{folder} is not a folder; expected one of models, as a run publishes them.")
        self._folder, self.name = folder, str(folder)

    def read(self) -> tuple[str, str]:
        """Return the text of models.config and a mark of its state; ("", MISSING) if there is none."""
        try:
            text = (self._folder / labels.CONFIG).read_text(encoding="utf-8")
        except FileNotFoundError:
            return "", MISSING
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"{self._folder / labels.CONFIG} cannot be read: {error}. Correct the file.") from error
        return text, _mark(text)

    def replace(self, text: str, mark: str) -> str:
        """Write the whole file, or remove it if `text` is empty, provided that its state still is `mark`.

        Returns the new mark. Raises PromotionFailed.
        """
        path = self._folder / labels.CONFIG
        temporary = self._folder / f"{TEMPORARY_PREFIX}{os.getpid()}"
        try:
            with locked(self._folder / ".lock"), ExitStack() as leftover:
                if self.read()[1] != mark:
                    raise _changed(str(path))
                leftover.callback(temporary.unlink, missing_ok=True)  # it is there only if it did not become the file
                if text:
                    temporary.write_text(text, encoding="utf-8")
                    fsync(temporary)
                    temporary.rename(path)
                else:
                    path.unlink(missing_ok=True)
                fsync(self._folder)
        except CrosswindError:  # some of them are OSErrors
            raise
        except OSError as error:
            raise PromotionFailed(f"{path} cannot be written: {error}. It is as it was; correct the rights.") from error
        return _mark(text)  # not of what is there now: somebody else may have written since

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """Keep publishers from adding or deleting versions of the model; none of them waits for the lock of the file.

        Raises VersionNotFound, PromotionFailed.
        """
        folder = self._folder / model
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder / ".lock"))
            except FileNotFoundError as error:
                message = f"{folder} does not exist; expected the folder of a published model. Name another."
                raise VersionNotFound(message) from error
            except OSError as error:
                raise PromotionFailed(f"{folder} cannot be locked: {error}. No label was moved; correct the rights.") from error
            yield

    def versions(self, model: str) -> list[int]:
        """List the published versions of a model, oldest first."""
        return store.versions(self._folder / model)

    def check(self, model: str, version: int, keys: Keys) -> None:
        """Check that a version is as it was published. Raises VersionNotFound, CorruptModel, SignatureInvalid."""
        _present(self, model, version)
        store.verify(store.read(self._folder / model, version, keys))


class Bucket:
    """`Local` in Google Cloud Storage; STORAGE_EMULATOR_HOST may name another server of the same protocol."""

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
        with self._asking(f"{self.name}/{labels.CONFIG} cannot be read"):
            blob = self._bucket.get_blob(self._prefix + labels.CONFIG)
            if blob is None:
                return "", MISSING
            generation = blob.generation
            return blob.download_as_bytes(if_generation_match=generation).decode(), str(generation)

    @contextmanager
    def _asking(self, fault: str, advice: str = "") -> Iterator[None]:
        """Turn an answer that is an error into PromotionFailed."""
        try:
            yield
        except self._exceptions.GoogleAPICallError as error:
            raise PromotionFailed(f"{fault}: {error.message}{advice}") from error

    def replace(self, text: str, mark: str) -> str:
        """Write the object if its generation is still the one that was read."""
        path = f"{self.name}/{labels.CONFIG}"
        blob = self._bucket.blob(self._prefix + labels.CONFIG)
        with self._asking(f"{path} cannot be written", " It is as it was."):
            try:
                if not text:
                    blob.delete(if_generation_match=int(mark))
                    return MISSING
                blob.upload_from_string(text, "text/plain", if_generation_match=int(mark or 0))
            except self._exceptions.PreconditionFailed as error:
                raise _changed(path) from error
        return str(blob.generation)

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """Hold nothing: a bucket has no locks, and no publisher of ours writes to one; versions are copied there."""
        yield

    def versions(self, model: str) -> list[int]:
        """List the folders with a decimal name, in order."""
        listing = self._client.list_blobs(self._bucket, prefix=f"{self._prefix}{model}/", delimiter="/")
        with self._asking(f"{self.name} cannot be listed"):
            list(listing)  # the prefixes are known after the last page
        names = (prefix.rstrip("/").rpartition("/")[2] for prefix in listing.prefixes)
        return sorted(int(name) for name in names if name.isdecimal())

    def check(self, model: str, version: int, keys: Keys) -> None:
        """Fetch every object and compare it with the manifest."""
        _present(self, model, version)
        folder = f"{self._prefix}{model}/{version}/"
        origin = f"{BUCKET}{self._bucket.name}/{folder}"
        with self._asking(f"{origin} cannot be read"):
            listing = self._client.list_blobs(self._bucket, prefix=folder)
            # A folder may be an object too, with a slash at its end.
            blobs = {blob.name.removeprefix(folder): blob for blob in listing if not blob.name.endswith("/")}
            if MANIFEST not in blobs:
                raise CorruptModel(f"{origin} has no {MANIFEST}. Copy the version again, whole.")
            signature = blobs.pop(SIGNATURE).download_as_bytes() if SIGNATURE in blobs else None
            content = blobs.pop(MANIFEST).download_as_bytes()
            manifest = signed(content, signature, model=model, number=version, origin=origin + MANIFEST, keys=keys)
            found = {name: _object_sum(blob) for name, blob in blobs.items()}
        if wrong := differences(manifest.files, found):
            raise CorruptModel(f"{origin} differs from its manifest: {', '.join(wrong)}. Copy the version again, whole.")


Models = Local | Bucket


def models_in(folder: str) -> Models:
    """Open the folder of models at a path or a gs:// URL. Raises BadConfig."""
    return Bucket(folder) if folder.startswith(BUCKET) else Local(Path(folder))


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else MISSING


def _object_sum(blob) -> str:
    """Return the SHA-256 of an object, read piece by piece: it need not fit into memory."""
    with tempfile.TemporaryFile() as file:
        blob.download_to_file(file)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _present(models: Models, model: str, version: int) -> None:
    """Check that a version is published. Raises VersionNotFound."""
    if version not in (known := models.versions(model)):
        there = f"one of {', '.join(map(str, known))}" if known else "a published model: there is none"
        raise VersionNotFound(f"{models.name}/{model} has no version {version}; expected {there}.")


def _changed(path: str) -> PromotionFailed:
    return PromotionFailed(
        f"{path} was changed by somebody else in the meantime, and is left as they wrote it. Look at it, and try again."
    )
