"""Read which versions a server is told to serve, from the models.config beside the model's folder. Imports nothing heavy.

The file is TensorFlow Serving's ModelServerConfig, as text. A model is found in it by its name, which is its folder's name;
`base_path` is where the server finds the model, as /models/<name> in a container, and need not be a path of this machine.
"""

from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from components.shared.errors import BadConfig

CONFIG = "models.config"
STABLE = "stable"
CANARY = "canary"
PREVIOUS = "previous"


@dataclass(frozen=True)
class Pins:
    """What the config says of a model: the version of each label, and the versions that are loaded, if it lists them."""

    labels: dict[str, int] = field(default_factory=dict)
    loaded: tuple[int, ...] = ()

    @property
    def production(self) -> int | None:
        """What users get: the stable version; without that label the newest of those listed. None: nothing is pinned."""
        return self.labels.get(STABLE) or max(self.loaded, default=None)

    @property
    def named(self) -> set[int]:
        """Every version that the config mentions."""
        return {*self.loaded, *self.labels.values()}


def read(folder: Path) -> Pins:
    """Read what the models.config beside `folder` says of the model of that name; if it is there. Raises BadConfig."""
    path = folder.parent / CONFIG
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Pins()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}. It says which versions are served; correct the file.") from error
    # A field of a newer server says nothing about versions, so it must not stop a run.
    return pins(parse(text, str(path), allow_unknown=True), folder.name, str(path))


def parse(text: str, origin: str, *, allow_unknown: bool = False) -> model_server_config_pb2.ModelServerConfig:
    """Parse a config's text. `origin` is named in errors. Raises BadConfig, also for unknown fields unless they are allowed."""
    try:
        return text_format.Parse(text, model_server_config_pb2.ModelServerConfig(), allow_unknown_field=allow_unknown)
    except text_format.ParseError as error:
        raise BadConfig(
            f"{origin} is not a config of TensorFlow Serving that is understood whole: {error} "
            "Expected `model_config_list { config { ... } }`, as text. Correct that line, or remove the field."
        ) from error


def pins(config: model_server_config_pb2.ModelServerConfig, model: str, origin: str) -> Pins:
    """Pick what a config says of one model; nothing if it does not list it. Raises BadConfig if it does more than once."""
    entries = [entry for entry in config.model_config_list.config if entry.name == model]
    if len(entries) > 1:
        raise BadConfig(f"{origin} lists the model {model} {len(entries)} times; expected once. Remove the others.")
    if not entries:
        return Pins()
    loaded = entries[0].model_version_policy.specific.versions
    return Pins(dict(entries[0].version_labels), tuple(sorted(set(loaded))))
