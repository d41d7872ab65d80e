"""The moves of a promotion: how each changes the labels. Pure; imports nothing heavy."""

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from components.model_store import labels
from components.model_store.labels import CANARY, PREVIOUS, STABLE
from components.shared.errors import BadConfig, VersionNotFound

Labels = dict[str, int]
Move = Callable[[Labels], Labels]  # of labels of which stable is what is in production, if anything is


def to_canary(version: int) -> Move:
    """Give a version part of the requests; the stable one stays."""

    def move(before: Labels) -> Labels:
        if before.get(STABLE) == version:
            raise BadConfig(
                f"Version {version} is in production already; expected a canary beside another, stable version. "
                "Name the stable one first: `python -m serving.promote --stable VERSION`."
            )
        return before | {CANARY: version}

    return move


def to_stable(version: int) -> Move:
    """Make a version the stable one; the one before stays as previous, to go back to."""

    def move(before: Labels) -> Labels:
        stable = before.get(STABLE)
        after = {label: number for label, number in before.items() if (label, number) != (CANARY, version)}
        if stable not in (None, version):
            after[PREVIOUS] = stable
        return after | {STABLE: version}

    return move


def back(before: Labels) -> Labels:
    """Take the canary back if there is one; else make the previous version stable again."""
    if CANARY in before:
        return {label: number for label, number in before.items() if label != CANARY}
    if PREVIOUS not in before:
        raise VersionNotFound(
            "There is no canary to take back and no previous version to go back to; expected one of these labels. "
            "Name a version: `python -m serving.promote --stable VERSION`."
        )
    return {label: number for label, number in before.items() if label != PREVIOUS} | {STABLE: before[PREVIOUS]}


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
        return labels.pins(self._parsed(), self.model, self.origin)

    def with_pins(self, named: Labels, loaded: set[int]) -> str:
        """Return the text with these labels and these versions loaded, all else as it was."""
        config = self._parsed()
        entries = [entry for entry in config.model_config_list.config if entry.name == self.model]
        entry = (
            entries[0]
            if entries
            else config.model_config_list.config.add(
                name=self.model, base_path=f"/models/{self.model}", model_platform="tensorflow"
            )
        )
        entry.ClearField("version_labels")
        entry.version_labels.update(named)
        entry.model_version_policy.Clear()
        entry.model_version_policy.specific.versions.extend(sorted(loaded))
        return self._comments() + text_format.MessageToString(config)

    def _parsed(self) -> model_server_config_pb2.ModelServerConfig:
        return labels.parse(self.text, self.origin)

    def _comments(self) -> str:
        lines = self.text.splitlines(keepends=True)
        first = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
        return "".join(lines[:first])
