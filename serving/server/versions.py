"""Follow the folders of versions as TensorFlow Serving does: a new version is loaded before the old one goes."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tensorflow_serving.apis import get_model_status_pb2

from components.model_store.signature import NO_KEYS, Keys
from components.shared.errors import BadConfig
from components.shared.files import files_below
from serving.refused import Refused, StatusCode, invalid
from serving.server.config import ModelConfig
from serving.server.servable import Servable

State = get_model_status_pb2.ModelVersionStatus.State
LOG = logging.getLogger(__name__)
DRAIN_SECONDS = 30.0  # that a version which leaves waits for its last answers


class Wanted(NamedTuple):
    """What a request asks for: the newest version if it names neither version nor label."""

    model: str
    version: int | None = None
    label: str = ""


@dataclass
class VersionState:
    """What became of a version in the folder."""

    state: int
    error: str = ""
    files: frozenset = frozenset()  # when it failed; it is tried again when they change
    requests: int = 0  # being answered
    servable: Servable | None = None


@dataclass
class Model:
    """A model's versions. None of them answers once the configuration no longer names the model."""

    config: ModelConfig
    versions: dict[int, VersionState] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)

    def available(self) -> list[int]:
        """Return the versions that answer, oldest first."""
        return sorted(number for number, version in self.versions.items() if version.state == State.AVAILABLE)


class Versions:
    """All models. `poll` and `reload` are called from one thread at a time; the rest from any."""

    def __init__(self, read_config: Callable[[], list[ModelConfig]], keys: Keys = NO_KEYS, *, labels_ahead: bool = True):
        """With `labels_ahead` a new label may name a version that is not loaded yet. Raises BadConfig."""
        self._read_config, self._keys, self._labels_ahead = read_config, keys, labels_ahead
        self.on_load: Callable[[str, bool], None] = lambda *_: None  # told the folder and whether it worked, at each attempt
        self._lock = threading.Lock()
        self.models: dict[str, Model] = {}
        self._refused = ""  # why the configuration that is there now is not followed
        self._configs = self._accept(read_config())

    def reload(self) -> None:
        """Read the configuration again and follow it if it can be served; else keep the old one."""
        try:
            configs = self._read_config()
            if configs != self._configs:
                self._configs = self._accept(configs)
                self._refused = ""
                self.poll()
        except BadConfig as error:
            if str(error) != self._refused:  # once, not at each poll
                LOG.error("The configuration stays as it was: %s", error)
            self._refused = str(error)

    def _accept(self, configs: list[ModelConfig]) -> list[ModelConfig]:
        """Take over models and labels at once. Raises BadConfig before anything has changed."""
        for config in configs:
            model = self.models.get(config.name, Model(config))
            available = model.available()
            for label, number in config.labels.items():
                if number not in available and not (self._labels_ahead and model.labels.get(label, number) == number):
                    raise BadConfig(
                        f"Request to assign label to version {number} of model {config.name}, which is not currently available "
                        f"for inference: {label}. Expected one of {available}. Load the version first; a label that is new "
                        "may be ahead of its version with --allow_version_labels_for_unavailable_models=true."
                    )
        for config in configs:
            model = self.models.setdefault(config.name, Model(config))
            model.config, model.labels = config, dict(config.labels)
        return configs

    def poll(self) -> None:
        """Load new versions, then take out those that are no longer wanted."""
        before = {name: model.available() for name, model in self.models.items()}
        for name, model in self.models.items():
            wanted = model.config.wanted()
            if name not in {config.name for config in self._configs}:
                model.labels, wanted = {}, []
            for number in wanted or []:
                self._load(model, number)
            available = set(model.available())
            # The old ones go once a wanted one answers.
            if wanted is not None and (not wanted or available & set(wanted)):
                self._unload(model, available - set(wanted))
        if before != {name: model.available() for name, model in self.models.items()}:
            # A full collection walks through TensorFlow's half a million objects: every request would wait 150 ms for it.
            gc.unfreeze()
            gc.collect()
            gc.freeze()

    def _load(self, model: Model, number: int) -> None:
        before = model.versions.get(number)
        if before and before.state != State.END:
            return
        folder = model.config.folder / str(number)
        files = _state_of(folder)
        if before and before.error and before.files == files:
            return
        state = model.versions[number] = VersionState(State.LOADING)
        try:
            state.servable = Servable(model.config.name, number, folder, self._keys)
            state.state = State.AVAILABLE
            LOG.info("%s version %d is served, after %d warm-up requests", model.config.name, number, state.servable.warmed_up)
        except Exception as error:  # a model that cannot be loaded must not end the server, whatever it raises
            LOG.error("%s version %d is not served: %s", model.config.name, number, error)
            state.state, state.error, state.files = State.END, f"{type(error).__name__}: {error}", files
        self.on_load(str(folder), state.state == State.AVAILABLE)

    def _unload(self, model: Model, numbers: set[int]) -> None:
        """Take versions out once their last answers are sent."""
        for number in sorted(numbers):
            version = model.versions[number]
            with self._lock:
                version.state = State.UNLOADING
            deadline = time.monotonic() + DRAIN_SECONDS
            while version.requests and time.monotonic() < deadline:
                time.sleep(0.01)
            version.servable, version.state = None, State.END
            LOG.info("%s version %d is out", model.config.name, number)

    @contextmanager
    def lease(self, wanted: Wanted) -> Iterator[Servable]:
        """Yield a version, which stays loaded while it is in use. Raises Refused if there is none such."""
        with self._lock:
            state = self._find(wanted)
            state.requests += 1
        try:
            assert state.servable
            yield state.servable
        finally:
            with self._lock:
                state.requests -= 1

    def _find(self, wanted: Wanted) -> VersionState:
        name, version, label = wanted
        if not name:
            raise invalid("ModelSpec has no name specified. Expected the name of a model.")
        model = self.models.get(name)
        if label:
            labels = model.labels if model else {}
            if label not in labels:
                known = ", ".join(sorted(labels)) or "no label"
                raise invalid(f"Unrecognized servable version label: {label}. {name} has {known}.")
            version = labels[label]
        available = model.available() if model else []
        if version is None and available:
            version = available[-1]
        if model and version in available:
            return model.versions[version]
        request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        known = f"It has {', '.join(map(str, available)) or 'no version yet'}."
        if model is None:
            known = f"This server has {', '.join(sorted(self.models))}."
        raise Refused(StatusCode.NOT_FOUND, f"Servable not found for request: {request}. {known}")

    def status(self, wanted: Wanted) -> get_model_status_pb2.GetModelStatusResponse:
        """Return the state of one version or of all; a label is ignored, as in TensorFlow Serving. Raises Refused."""
        name, version, _ = wanted
        model = self.models.get(name)
        response = get_model_status_pb2.GetModelStatusResponse()
        for number, state in sorted((model.versions if model else {}).items(), reverse=True):
            if version in (None, number):
                status = response.model_version_status.add(version=number, state=state.state)
                status.status.error_code = 2 if state.error else 0  # google.rpc.Code UNKNOWN
                status.status.error_message = state.error
        if not response.model_version_status:
            asked = "any versions" if version is None else f"version {version}"
            raise Refused(StatusCode.NOT_FOUND, f"Could not find {asked} of model {name}")
        return response

    def ready(self) -> bool:
        """Tell whether every model has a version that answers."""
        return all(self.models[config.name].available() for config in self._configs)


def _state_of(folder: Path) -> frozenset:
    """Return a mark that differs after a file was written, even at the same size; empty while files come and go."""
    try:
        states = [(path, (folder / path).stat()) for path in files_below(folder)]
    except OSError:
        return frozenset()
    return frozenset((str(path), state.st_size, state.st_mtime_ns) for path, state in states)
