"""Which models to serve, and which of their versions: TensorFlow Serving's own configuration files."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.config import model_server_config_pb2

from components.errors import BadConfig
from components.publisher import labels, store


@dataclass(frozen=True)
class ModelConfig:
    """One model.

    Attributes:
        name: as a request names it.
        folder: of its versions.
        newest: how many of the newest versions to serve; 0: all.
        versions: serve these instead, if there are any.
        labels: of versions, by label.
    """

    name: str
    folder: Path
    newest: int = 1
    versions: frozenset[int] = frozenset()
    labels: dict[str, int] = field(default_factory=dict)

    def wanted(self) -> list[int]:
        """Of the versions on disk those to serve."""
        present = store.versions(self.folder)
        if self.versions:
            return [number for number in present if number in self.versions]
        return present[-self.newest :]


def read(path: Path, folder: Path | None = None) -> list[ModelConfig]:
    """The models of a `models.config`.

    Args:
        path: text of tensorflow_serving.ModelServerConfig.
        folder: where the folders that the file names are; None: where it says, which on a server is another place than here.

    Raises:
        BadConfig: the file cannot be read, or names no model.
    """
    try:
        parsed = labels.parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}. Expected models and their versions, as text.") from error
    if not parsed.model_config_list.config:
        raise BadConfig(f"{path} names no model; expected model_config_list {{ config {{ name: ... }} }}.")
    return [_model(config, folder) for config in parsed.model_config_list.config]


def _model(config: model_server_config_pb2.ModelConfig, folder: Path | None) -> ModelConfig:
    policy = config.model_version_policy
    return ModelConfig(
        name=config.name,
        folder=folder / Path(config.base_path or config.name).name if folder else Path(config.base_path),
        newest=0 if policy.HasField("all") else policy.latest.num_versions or 1,
        versions=frozenset(policy.specific.versions),
        labels=dict(config.version_labels),
    )


def below(folder: Path) -> list[ModelConfig]:
    """Every model in a folder of models: as its `models.config` says, else the newest version.

    Raises:
        BadConfig: there is none.
    """
    stated = (
        {config.name: config for config in read(folder / labels.CONFIG, folder)} if (folder / labels.CONFIG).exists() else {}
    )
    found = {path.name: ModelConfig(path.name, path) for path in folder.glob("*") if store.versions(path)}
    if not stated and not found:
        raise BadConfig(f"{folder} holds no model; expected {folder}/<model>/<version>, as `make run` publishes them.")
    return list((found | stated).values())


@dataclass(frozen=True)
class Batching:
    """tensorflow_serving.BatchingParameters, as far as this server has them.

    Attributes:
        max_batch_size: rows of a batch.
        batch_timeout_micros: how long the first request of a batch waits for others.
        max_enqueued_batches: full batches that may wait; what comes then is refused.
        num_batch_threads: batches that run at a time.
    """

    max_batch_size: int = 1024
    batch_timeout_micros: int = 4000
    max_enqueued_batches: int = 16
    num_batch_threads: int = 2


def read_batching(path: Path) -> Batching:
    """The parameters of a `batching.config`. Raises BadConfig."""
    try:
        text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}") from error
    # Its proto is in no package: a list of `name { value: number }`.
    entry = re.compile(r"(\w+)\s*:?\s*\{\s*value\s*:\s*(\w+)\s*\}")
    if rest := entry.sub("", text).strip(" \n\t,;"):
        raise BadConfig(f"{path}: {rest[:60]!r} is not understood; expected lines such as max_batch_size {{ value: 256 }}.")
    known = Batching.__dataclass_fields__
    stated = {name: int(value) for name, value in entry.findall(text) if name in known and value.isdecimal()}
    if wrong := [name for name, value in stated.items() if value < (name != "batch_timeout_micros")]:
        raise BadConfig(f"{path}: {', '.join(wrong)} is 0; expected at least 1.")
    return Batching(**stated)
