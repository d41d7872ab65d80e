"""Read which models and versions to serve, from TensorFlow Serving's own configuration files."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.config import model_server_config_pb2

from components.model_store import labels, store
from components.shared.errors import BadConfig

PLATFORM = "tensorflow"


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

    def wanted(self) -> list[int] | None:
        """Pick the versions to serve from those on disk; None while the folder cannot be read, so that what serves stays."""
        try:
            if not self.folder.is_dir():
                return None
            present = store.versions(self.folder)
        except OSError:
            return None
        if self.versions:
            return [number for number in present if number in self.versions]
        return present[-self.newest :]


def read(path: Path, folder: Path | None = None) -> list[ModelConfig]:
    """Read the models of a `models.config`.

    Args:
        path: text of tensorflow_serving.ModelServerConfig.
        folder: where the model folders are on this machine; None: where the file says, which on a server is another place.

    Raises:
        BadConfig: the file cannot be read, or names no model.
    """
    try:
        parsed = labels.parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}. Expected models and their versions, as text.") from error
    configs = parsed.model_config_list.config
    if not configs:
        raise BadConfig(f"{path} names no model; expected model_config_list {{ config {{ name: ... }} }}.")
    if twice := [name for name, count in Counter(config.name for config in configs).items() if count > 1]:
        raise BadConfig(f"{path} lists model {twice[0]} multiple times; expected once. Remove the others.")
    for config in configs:
        if reason := _unservable(config, folder):
            raise BadConfig(f"{path}, model {config.name}: {reason}. TensorFlow Serving would not take it either.")
    return [_model(config, folder) for config in configs]


def _unservable(config: model_server_config_pb2.ModelConfig, folder: Path | None) -> str:
    typed = config.model_type == model_server_config_pb2.TENSORFLOW  # the older way to say it
    if config.model_platform != ("" if typed else PLATFORM):
        return f'model_platform is "{config.model_platform}"; expected "{PLATFORM}"'
    if not folder and not Path(config.base_path).is_absolute():
        return f'base_path is "{config.base_path}"; expected an absolute path of this machine'
    return ""


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
    """List the models of a folder: those of its `models.config`; without one the newest version of each.

    Raises:
        BadConfig: there is none.
    """
    if (folder / labels.CONFIG).exists():
        return read(folder / labels.CONFIG, folder)
    found = [ModelConfig(path.name, path) for path in sorted(folder.glob("*")) if store.versions(path)]
    if not found:
        raise BadConfig(f"{folder} holds no model; expected {folder}/<model>/<version>, as `make run` publishes them.")
    return found
