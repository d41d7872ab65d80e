"""Private names of other libraries stand in components/columnar alone, and its README lists each."""

import re

import pytest
from conftest import REPOSITORY

from tests.components.columnar.private_names import found, of_tree

ROOM = "components/columnar/"
PUBLIC = {"os._exit"}  # Python documents it
FOR_SUBCLASSES = {
    "self._make_beam_pipeline",
    "self._get_tmp_dir",
    "self._context",
}  # of TFX's executors, which ask to be extended


def readme(heading: str) -> str:
    """A section of the room's README."""
    return (REPOSITORY / ROOM / "README.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]


def names(text: str) -> set[str]:
    """Private names in backticks, without what they are of."""
    return set(re.findall(r"`(?:[\w.]+\.)?(_\w+)`", text))


@pytest.fixture(scope="module")
def taken() -> dict[str, set[str]]:
    tree = {path: taken - PUBLIC - FOR_SUBCLASSES for path, taken in of_tree(REPOSITORY).items()}
    return {path: names for path, names in tree.items() if names}


def test_the_room_takes_what_its_readme_lists(taken):
    used = {name.rpartition(".")[2] for path, names in taken.items() if path.startswith(ROOM) for name in names}
    assert used == names(readme("Private names"))


def test_outside_of_the_room_there_are_those_few_that_its_readme_lists(taken):
    elsewhere = {path: sorted(names) for path, names in taken.items() if not path.startswith(ROOM)}
    listed: dict[str, list[str]] = {}
    for path, name in re.findall(r"^\| `([\w/.]+\.py)` \| `([\w.]+)` \|", readme("Elsewhere"), re.MULTILINE):
        listed[path] = sorted([*listed.get(path, []), name])
    assert elsewhere == listed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from tfx.components import _private", {"_private"}),
        ("import tensorflow._api.v2", {"_api"}),
        ("from keras._tf_keras import layers", {"_tf_keras"}),
        ("from pipeline.dag import _file", set()),
        ("import keras\nkeras._version", {"keras._version"}),
        ("model.optimizer._variables", {"_variables"}),
        ("getattr(model, '_left', 1)", {"_left"}),
        ("class A:\n def __init__(self):\n  self._b = 1\n def c(self):\n  return self._b + self._d", {"self._d"}),
        ("for _ in found: __file__", set()),
    ],
)
def test_what_counts_as_one(source, expected):
    assert found(source) == expected
