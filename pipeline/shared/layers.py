"""The layers of a configuration: files, and the command line over them. Each value knows where it stood."""

import contextlib
import tomllib
from typing import Any

from components.shared.errors import BadConfig

KeyPath = tuple[str, ...]  # such as ("train", "epochs")


class Layers:
    """Puts files over each other, and options of a command line over them.

    >>> layers = Layers({"defaults": {"train": {"epochs": 3}}, "config.toml": {"train": {"epochs": 4}}})
    >>> layers.values, layers.of(("train", "epochs"))
    ({'train': {'epochs': 4}}, 'config.toml')

    Args:
        files: the tables of each file by its name, the lowest first; the first are defaults, which nobody wrote.
    """

    def __init__(self, files: dict[str, dict[str, Any]]):
        self.values: dict[str, Any] = {}  # that hold
        self._origin: dict[KeyPath, str] = {}  # the layer of each value
        self._defaults, *self._files = files
        for name, tables in files.items():
            self._merge((), tables, name)

    def _merge(self, at: KeyPath, tables: dict[str, Any], layer: str) -> None:
        for key, value in tables.items():
            if isinstance(value, dict) and value:
                self._merge((*at, key), value, layer)
            else:
                self.put((*at, key), value, layer)

    def override(self, text: str) -> None:
        """Apply a `--set`: `section.key=value`, the value as TOML; text may go without quotes. Raises BadConfig.

        A table goes over that of the layers below key by key, as a file's does; an empty one takes its place.
        """
        name, equals, value = text.partition("=")
        keys = _keys(name.strip())
        if not equals or len(keys) < len(("section", "key")):
            raise BadConfig(f"--set {text!r} is not understood; expected section.key=value, as in train.epochs=5")
        with contextlib.suppress(tomllib.TOMLDecodeError):
            value = tomllib.loads(f"value = {value}")["value"]
        self._merge(keys[:-1], {keys[-1]: value}, f"--set {'.'.join(keys)}")

    def put(self, keys: KeyPath, value: object, layer: str) -> None:
        """Put a value over that of the layers below. Raises BadConfig where its section is something else."""
        table = self.values
        for depth, key in enumerate(keys[:-1], 1):
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                stood = self.of(keys[:depth]) if depth == 1 else layer
                raise BadConfig(f"{stood}: {'.'.join(keys[:depth])} is not a section; expected one for {layer}.")
        table[keys[-1]] = value
        self._origin[keys] = layer

    def of(self, location: tuple) -> str:
        """Say where a setting stood, or a part of its value; of a section, its file and the options that changed it."""
        for length in range(len(location), 0, -1):
            if layer := self._origin.get(location[:length]):
                return layer
            within = dict.fromkeys(layer for keys, layer in self._origin.items() if keys[:length] == location[:length])
            if within:
                files = [name for name in self._files if name in within]
                options = [layer for layer in within if layer not in (self._defaults, *self._files) and length == len(location)]
                said = filter(None, (" and ".join(files), ", ".join(options)))
                return " with ".join(said) or self._stated()
        return self._stated()

    def _stated(self) -> str:
        return " and ".join(self._files)


def _keys(name: str) -> KeyPath:
    """Split a name as TOML does, such as `kubeflow.nodes.Trainer.memory`; empty if it is not a name."""
    keys: list[str] = []
    try:
        found: Any = tomllib.loads(f"{name} = 0")
        while isinstance(found, dict):
            [(key, found)] = found.items()
            keys.append(key)
    except ValueError:
        return ()
    return tuple(keys)
