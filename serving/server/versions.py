"""Which versions are served: follows the folders as TensorFlow Serving does, a new version loaded before the old one goes."""

import gc
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.apis import get_model_status_pb2

from components.errors import BadConfig
from components.files import files_below
from components.publisher.signature import NO_KEYS, Keys
from serving.refused import Refused, StatusCode, invalid
from serving.server.config import ModelConfig
from serving.server.servable import Servable

State = get_model_status_pb2.ModelVersionStatus.State
LOG = logging.getLogger(__name__)
CALM_SECONDS = 1.0  # after a load, in which what has queued up meanwhile is answered
DRAIN_SECONDS = 30.0  # that a version which is taken out waits for its last answers


@dataclass
class VersionState:
    """What became of a version that was found."""

    state: int
    error: str = ""
    files: frozenset = frozenset()  # when it failed: tried again when they change
    requests: int = 0  # that are being answered
    servable: Servable | None = None


@dataclass
class Model:
    """A model's versions, and its labels as far as their versions are loaded."""

    config: ModelConfig
    versions: dict[int, VersionState] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)

    def available(self) -> list[int]:
        """The versions that answer, oldest first."""
        return sorted(number for number, version in self.versions.items() if version.state == State.AVAILABLE)


class Versions:
    """All models. `poll` is called from one thread; the rest from any."""

    def __init__(self, read_config: Callable[[], list[ModelConfig]], keys: Keys = NO_KEYS):
        """Args:
        read_config: the models to serve; read at each poll, for labels move and versions are pinned while it runs.
        keys: that the manifest of a version must be signed by, if there are any.
        """
        self._read_config, self._keys = read_config, keys
        self.on_load: Callable[[str, bool], None] = lambda *_: None  # told the model and whether it worked, at each attempt
        self._lock = threading.Lock()
        self._disturbed_until = 0.0
        self.models: dict[str, Model] = {config.name: Model(config) for config in read_config()}

    @property
    def disturbed(self) -> bool:
        """A version is loaded, or was until a moment ago: answers take longer for it, and not because there are too many."""
        return time.monotonic() < self._disturbed_until

    def poll(self) -> None:
        """Loads what is new, then moves the labels, then takes out what is no longer wanted."""
        try:
            configs = self._read_config()
        except BadConfig as error:
            LOG.error("The configuration stays as it was: %s", error)
            configs = [model.config for model in self.models.values()]
        before = {name: model.available() for name, model in self.models.items()}
        for config in configs:
            model = self.models.setdefault(config.name, Model(config))
            model.config = config
            wanted = config.wanted()
            for number in wanted:
                self._load(model, number)
            self._move_labels(model)
            self._unload(model, wanted)
        if before != {name: model.available() for name, model in self.models.items()}:
            # A full collection walks through TensorFlow's half a million objects: every request would wait 150 ms for it.
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        if self._disturbed_until == math.inf:
            self._disturbed_until = time.monotonic() + CALM_SECONDS

    def _load(self, model: Model, number: int) -> None:
        before = model.versions.get(number)
        if before and before.state != State.END:
            return
        folder = model.config.folder / str(number)
        files = _state_of(folder)
        if before and before.files == files:
            return
        self._disturbed_until = math.inf
        state = model.versions[number] = VersionState(State.LOADING)
        try:
            state.servable = Servable(model.config.name, number, folder, self._keys)
            state.state = State.AVAILABLE
            LOG.info("%s version %d is served, after %d warm-up requests", model.config.name, number, state.servable.warmed_up)
        except Exception as error:  # a model that cannot be loaded must not end the server, whatever it raises
            LOG.error("%s version %d is not served: %s", model.config.name, number, error)
            state.state, state.error, state.files = State.END, f"{type(error).__name__}: {error}", files
        self.on_load(model.config.name, state.state == State.AVAILABLE)

    def _move_labels(self, model: Model) -> None:
        available = model.available()
        labels = {}
        for label, number in model.config.labels.items():
            if number in available:
                labels[label] = number
            elif label in model.labels:
                kept = labels[label] = model.labels[label]
                LOG.error("%s: label %s stays with version %d, for %d is not loaded", model.config.name, label, kept, number)
        model.labels = labels

    def _unload(self, model: Model, wanted: list[int]) -> None:
        """Takes out what is not wanted, once something that is wanted, and every label's version, can answer."""
        available = model.available()
        if not set(available) & set(wanted):
            return
        for number in set(available) - set(wanted) - set(model.labels.values()):
            version = model.versions[number]
            with self._lock:
                version.state = State.UNLOADING
            deadline = time.monotonic() + DRAIN_SECONDS
            while version.requests and time.monotonic() < deadline:
                time.sleep(0.01)
            version.servable, version.state = None, State.END
            LOG.info("%s version %d is out", model.config.name, number)

    @contextmanager
    def lease(self, name: str, version: int | None = None, label: str = "") -> Iterator[Servable]:
        """A version that stays loaded while it is in use; the newest if neither version nor label is given.

        Raises:
            Refused: there is no such model, version or label.
        """
        with self._lock:
            state = self._find(name, version, label)
            state.requests += 1
        try:
            assert state.servable
            yield state.servable
        finally:
            with self._lock:
                state.requests -= 1

    def _find(self, name: str, version: int | None, label: str) -> VersionState:
        model = self.models.get(name)
        if model is None:
            known = ", ".join(sorted(self.models))
            raise Refused(StatusCode.NOT_FOUND, f"Servable not found for request: Latest({name}). This server has {known}.")
        if label:
            if label not in model.labels:
                known = ", ".join(sorted(model.labels)) or "no label"
                raise invalid(f"Unrecognized servable version label: {label}. {name} has {known}.")
            version = model.labels[label]
        available = model.available()
        if version is None and available:
            version = available[-1]
        if version not in available:
            wanted = "Latest" if version is None else "Specific"
            request = f"{wanted}({name})" if version is None else f"{wanted}({name}, {version})"
            known = ", ".join(map(str, available)) or "no version yet"
            raise Refused(StatusCode.NOT_FOUND, f"Servable not found for request: {request}. It has {known}.")
        return model.versions[version]

    def status(self, name: str, version: int | None = None, label: str = "") -> get_model_status_pb2.GetModelStatusResponse:
        """The state of one version, or of all. Raises Refused."""
        model = self.models.get(name)
        if label and model:
            version = model.labels.get(label)
        found = sorted((model.versions if model else {}).items(), reverse=True)
        found = [(number, state) for number, state in found if version in (None, number)]
        if not found or (label and version is None):
            asked = f"version {version}" if version is not None else f"label {label}" if label else "version"
            raise Refused(StatusCode.NOT_FOUND, f"Could not find any versions of model {name}: no {asked} of it was found.")
        response = get_model_status_pb2.GetModelStatusResponse()
        for number, state in found:
            status = response.model_version_status.add(version=number, state=state.state)
            status.status.error_code = 0 if not state.error else 2  # google.rpc.Code UNKNOWN
            status.status.error_message = state.error
        return response

    def ready(self) -> bool:
        """Every model has a version that answers."""
        return all(model.available() for model in self.models.values())


def _state_of(folder: Path) -> frozenset:
    """Differs when a file was written meanwhile: of the same size too, as signatures are. Empty while files come and go."""
    try:
        states = [(path, (folder / path).stat()) for path in files_below(folder)]
    except OSError:
        return frozenset()
    return frozenset((str(path), state.st_size, state.st_mtime_ns) for path, state in states)
