"""What the card states: the number that the server's Publisher gives, and what is declared of each feature."""

from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.mobile_exporter.executor import feature_card, version_to_be
from components.model_store import labels, store
from components.model_store.manifest import Facts
from components.production_model.executor import Executor

MODEL = "broken_parcel"
PLAIN = {"name": "depot", "kind": "categorical", "dtype": "string", "unit": "", "optional": False}


def saved(folder: Path, graph: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text(graph)
    return folder


def publish(root: Path, graph: str) -> store.Version:
    return store.publish(root / MODEL, saved(root / f"published {graph}", graph), {}, Facts(model=MODEL), 5)[0]


def pin(root: Path, number: int) -> None:
    """Writes a models.config that has one version in production."""
    (root / labels.CONFIG).write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" version_labels {{ key: "stable" value: {number} }} }} }}'
    )


def inputs(root: Path, graph: str) -> dict[str, list[standard_artifacts.Model]]:
    """What the exporter of a run gets that has trained `graph`."""
    production, model = standard_artifacts.Model(), standard_artifacts.Model()
    production.uri, model.uri = str(root / "production"), str(root / "model")
    Executor().Do({}, {"model": [production]}, {"folder": str(root / MODEL)})
    saved(Path(path_utils.serving_model_path(model.uri)), graph)
    return {"production": [production], "model": [model]}


@pytest.mark.parametrize(
    ("there", "pinned", "graph", "number"),
    [
        ([], None, "new", 1),
        (["first", "second"], None, "new", 3),
        (["first", "second"], None, "second", 2),
        (["first", "second"], 1, "new", 3),
        (["first", "second"], 1, "first", 1),
        (["first", "second", "third"], 1, "third", 3),
        (["first", "second", "third"], 1, "second", 4),
    ],
)
def test_the_number_is_that_of_the_publisher(tmp_path, there, pinned, graph, number):
    for each in there:
        publish(tmp_path, each)
    if pinned:
        pin(tmp_path, pinned)
    stated = version_to_be(inputs(tmp_path, graph))
    version, _ = store.publish(tmp_path / MODEL, saved(tmp_path / "candidate", graph), {}, Facts(model=MODEL), 5)
    assert stated == version.number == number


def test_a_feature_says_what_is_declared_for_people():
    schema = schema_pb2.Schema()
    schema.feature.add(name="depot").string_domain.value.extend(["A", "B"])
    told = {"words": "From", "form": "choice", "value_words": {"A": "Paris"}, "places": {"A": [48.9, 2.4]}, "between": None}
    found = feature_card(PLAIN | told, schema, {})
    assert (found.values, found.words, found.form) == (["A", "B"], "From", "choice")
    assert (found.value_words, found.places, found.between) == ({"A": "Paris"}, {"A": (48.9, 2.4)}, None)
    plain = feature_card(PLAIN, schema, {})
    assert (plain.words, plain.form, plain.value_words, plain.places) == ("", "", {}, {})
