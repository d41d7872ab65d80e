"""The executor on versions in the shape of a SavedModel."""

import os
from pathlib import Path

import pytest
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.model_store import contents, labels, store
from components.model_store.manifest import Facts
from components.model_store.signature import NO_KEYS, Keys
from components.production_model.component import Driver
from components.production_model.executor import Executor
from components.shared.artifacts import NEWEST_MODEL_PROPERTY, NEXT_PROPERTY, VERSION_PROPERTY
from components.shared.errors import CorruptModel, SignatureInvalid
from pipeline.keys import PUBLIC
from tests.components.model_store.keys import make_keys

MODEL = "parcels"


def publish(folder: Path, keys: Keys = NO_KEYS, graph: str = "graph") -> store.Version:
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "saved_model.pb").write_text(graph)
    return store.publish(folder / MODEL, source, {}, Facts(model=MODEL), 5, keys=keys)[0]


def run(folder: Path, **properties) -> standard_artifacts.Model:
    """The executor's output."""
    model = standard_artifacts.Model()
    model.uri = str(folder / "artifact")
    Executor().Do({}, {"model": [model]}, {"folder": str(folder / MODEL)} | properties)
    return model


def pin(folder: Path, number: int) -> None:
    """Writes a models.config that has one version in production."""
    (folder / labels.CONFIG).write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" version_labels {{ key: "stable" value: {number} }} }} }}'
    )


def production(folder: Path, **properties) -> tuple[int, Path]:
    """The number that the executor states, and the folder of its copy."""
    model = run(folder, **properties)
    return model.get_int_custom_property(VERSION_PROPERTY), Path(path_utils.serving_model_path(model.uri))


def test_nothing_is_in_production_yet(tmp_path):
    number, copy = production(tmp_path)
    assert (number, copy.exists()) == (0, False)


def test_the_copy_is_the_version(tmp_path):
    version = publish(tmp_path)
    number, copy = production(tmp_path)
    assert number == 1
    assert contents.sums(copy) == contents.sums(version.folder)


def test_a_version_that_was_changed_is_not_copied(tmp_path):
    (publish(tmp_path).folder / "saved_model.pb").write_text("worse")
    with pytest.raises(CorruptModel, match=r"differs from its manifest: saved_model\.pb"):
        production(tmp_path)
    assert not list((tmp_path / "artifact").rglob("saved_model.pb"))


def test_a_run_starts_from_what_is_signed_only_when_a_key_is_given(tmp_path):
    keys = make_keys(tmp_path / "keys")
    version = publish(tmp_path, keys)
    trusted = {"public_key": str(tmp_path / "keys" / PUBLIC)}
    assert production(tmp_path, **trusted)[0] == 1
    (version.folder / "manifest.json.sig").unlink()
    with pytest.raises(SignatureInvalid, match=r"1/manifest\.json is not signed"):
        production(tmp_path, **trusted)


def test_what_is_published_next_comes_behind_the_newest_also_if_an_older_one_is_pinned(tmp_path):
    model = run(tmp_path)
    assert (model.get_int_custom_property(NEXT_PROPERTY), model.get_string_custom_property(NEWEST_MODEL_PROPERTY)) == (1, "")
    publish(tmp_path)
    newest = publish(tmp_path, graph="another")
    pin(tmp_path, 1)
    model = run(tmp_path)
    assert [model.get_int_custom_property(name) for name in (VERSION_PROPERTY, NEXT_PROPERTY)] == [1, 3]
    assert model.get_string_custom_property(NEWEST_MODEL_PROPERTY) == newest.model_digest


def test_a_version_beside_a_pinned_one_changes_the_cache_key(tmp_path):
    def key() -> str:
        return Driver(None).outside({"folder": str(tmp_path / MODEL)})

    publish(tmp_path)
    pin(tmp_path, 1)
    before = key()
    assert key() == before
    publish(tmp_path, graph="another")
    assert key() != before


def test_a_version_that_was_changed_or_signed_since_changes_the_cache_key(tmp_path):
    def key() -> str:
        return Driver(None).outside({"folder": str(tmp_path / MODEL)})

    path = publish(tmp_path).folder / "saved_model.pb"
    before, status = key(), path.stat()
    path.write_text("grapH")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    changed = key()
    (path.parent / "manifest.json.sig").write_text("signed")
    assert len({before, changed, key()}) == 3
