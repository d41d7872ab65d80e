"""The layers of a configuration: a file, and what the command line puts over it. What is wrong is named with where it stood."""

import tomllib
from typing import Any

from components.shared.errors import BadConfig

Keys = tuple[str, ...]  # such as ("train", "epochs")


class Layers:
    """Puts options of a command line over the values of a file.

    Args:
        file: its name.
        values: its tables, which change.
    """

    def __init__(self, file: str, values: dict[str, Any]):
        self._file, self._values = file, values
        self._options: dict[Keys, str] = {}  # the option that a setting, or the table that holds it, comes from

    def override(self, text: str) -> None:
        """Puts in what `--set` says: `section.key=value`, the value as TOML; text may go without quotes. Raises BadConfig."""
        name, equals, value = text.partition("=")
        keys = _keys(name.strip())
        if not equals or len(keys) < len(("section", "key")):
            raise BadConfig(f"--set {text!r} is not understood; expected section.key=value, as in train.epochs=5")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value
        self.put(keys, parsed, f"--set {'.'.join(keys)}")

    def put(self, keys: Keys, value: object, option: str) -> None:
        """Puts a value in the place of the one in the layers before. Raises BadConfig where the table of it is none."""
        table = self._values
        for depth, key in enumerate(keys[:-1], 1):
            if key not in table:
                self._options[keys[:depth]] = option
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                layer = self._file if depth == 1 else option
                raise BadConfig(f"{layer}: {'.'.join(keys[:depth])} is no section; expected one for {option}.")
        table[keys[-1]] = value
        self._options[keys] = option

    def of(self, location: tuple) -> str:
        """Where a setting stood, or a part of its value; of a section, the file and the options that changed it."""
        for length in range(len(location), 0, -1):
            if option := self._options.get(location[:length]):
                return option
        within = [option for keys, option in self._options.items() if keys[: len(location)] == location]
        return f"{self._file} with {', '.join(within)}" if within else self._file


def _keys(name: str) -> Keys:
    """Those of a name as TOML has it, such as `kubeflow.nodes.Trainer.memory`; none if it is no name."""
    try:
        found: Any = tomllib.loads(f"{name} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(found, dict) and len(found) == 1:
        [(key, found)] = found.items()
        keys.append(key)
    return tuple(keys)
