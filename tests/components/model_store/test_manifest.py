"""The manifest as a document: what is written is strict and the same each time, what older code wrote is read and kept."""

import json

import pytest
from pydantic import ValidationError

from components.model_store import store
from components.model_store.manifest import MANIFEST, Facts, Manifest, decoded
from components.model_store.restore import restore

SUM = "0" * 64


def test_what_is_written_holds_what_was_stated_and_nothing_else():
    manifest = Manifest(model="m", version=3, files={"b": SUM, "a": SUM}, metrics={"overall": {"auc": 0.7}})
    assert manifest.content() == (
        b'{\n "files": {\n  "a": "%s",\n  "b": "%s"\n },\n "metrics": {\n  "overall": {\n   "auc": 0.7\n  }\n },\n'
        b' "model": "m",\n "version": 3\n}\n' % (SUM.encode(), SUM.encode())
    )
    assert decoded(manifest.content(), "here") == manifest
    assert decoded(manifest.content(), "here").content() == manifest.content()


@pytest.mark.parametrize("facts", [{"color": "red"}, {"metrics": {"overall": {"auc": float("nan")}}}])
def test_a_fact_that_is_none_is_not_published(facts):
    with pytest.raises(ValidationError):
        Facts(**facts)


def test_a_version_of_older_code_verifies_and_is_rolled_back_to_with_all_that_it_says(tmp_path):
    """It lacks facts that are stated now, and has one that is stated no longer."""
    for weights in "ab":
        source = tmp_path / weights
        source.mkdir()
        (source / "saved_model.pb").write_text(weights)
        store.publish(tmp_path / "s", source, {}, Facts(model="s", span=f"2013-0{'ab'.index(weights) + 1}"), 9)
    path = tmp_path / "s" / "1" / MANIFEST
    written = json.loads(path.read_text())
    del written["withdrawn"]
    path.write_text(json.dumps(written | {"epochs": {"done": [3, 0.5, None]}}))
    version = store.read(tmp_path / "s", 1)
    store.verify(version)
    assert (version.manifest.span, version.manifest.window, version.manifest.overall) == ("2013-01", [], {})
    restored = restore(tmp_path / "s", None, keep=9)[1]
    assert json.loads((restored.folder / MANIFEST).read_text())["epochs"] == {"done": [3, 0.5, None]}
    assert store.read(tmp_path / "s", 3) == restored
    assert restored.manifest.restored_from == 1
