"""Read which models and versions to serve, from TensorFlow Serving's own configuration files."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.config import model_server_config_pb2

from components.model_store import labels, store
from components.shared.errors import BadConfig
from serving.server.parameters import text

PLATFORM = "tensorflow"


@dataclass(frozen=True)
class ModelConfig:
    """One model, as a request names it, and the folder of its versions."""

    name: str
    folder: Path
    newest: int = 1  # how many of the newest versions to serve; 0: all
    versions: frozenset[int] = frozenset()  # serve these instead, if there are any
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
    """Read the models of a `models.config`, whose folders are in `folder`; None: where the file says.

    Raises BadConfig where it cannot be read, names no model, or one that TensorFlow Serving would not take.
    """
    configs = labels.parse(text(path, "models and their versions, as text"), str(path)).model_config_list.config
    if not configs:
        raise BadConfig(f"{path} names no model; expected model_config_list {{ config {{ name: ... }} }}.")
    if twice := [name for name, count in Counter(config.name for config in configs).items() if count > 1]:
        raise BadConfig(f"{path} lists model {twice[0]} multiple times; expected once. Remove the others.")
    return [_model(config, folder, f"{path}, model {config.name}") for config in configs]


def _model(config: model_server_config_pb2.ModelConfig, folder: Path | None, where: str) -> ModelConfig:
    typed = config.model_type == model_server_config_pb2.TENSORFLOW  # the older way to say it
    reason, base = "", Path(config.base_path)
    if config.model_platform != ("" if typed else PLATFORM):
        reason = f'model_platform is "{config.model_platform}"; expected "{PLATFORM}"'
    elif not folder and not base.is_absolute():
        reason = f'base_path is "{config.base_path}"; expected an absolute path of this machine'
    if reason:
        raise BadConfig(f"{where}: {reason}. TensorFlow Serving would not take it either.")
    policy = config.model_version_policy
    return ModelConfig(
        name=config.name,
        folder=folder / (base.name or config.name) if folder else base,
        newest=0 if policy.HasField("all") else policy.latest.num_versions or 1,
        versions=frozenset(policy.specific.versions),
        labels=dict(config.version_labels),
    )


def below(folder: Path) -> list[ModelConfig]:
    """List the models of a folder: those of its `models.config`, else the newest version of each. Raises BadConfig for none."""
    if (folder / labels.CONFIG).exists():
        return read(folder / labels.CONFIG, folder)
    found = [ModelConfig(path.name, path) for path in sorted(folder.glob("*")) if store.versions(path)]
    if not found:
        raise BadConfig(f"{folder} holds no model; expected {folder}/<model>/<version>, as a run publishes them.")
    return found
