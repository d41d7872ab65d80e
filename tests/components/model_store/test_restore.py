import datetime
import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.model_store import contents, store
from components.model_store.manifest import Facts
from components.model_store.restore import restore
from components.shared.errors import CorruptModel, VersionNotFound
from components.shared.files import temporary_folder


def model(parent: Path, weights: str) -> Path:
    """A folder in the shape of a SavedModel, made once for each content."""
    folder = parent / f"model-{weights}"
    if not folder.exists():
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_text("graph")
        (folder / "variables" / "variables.data").write_text(weights)
    return folder


def publish(folder: Path, weights: str, keep: int = 10) -> tuple[int, str]:
    """Publishes a model with statistics of its own; returns the version in production and why it is not new."""
    statistics = folder / f"statistics-{weights}"
    statistics.write_text(f"of {weights}")
    facts = Facts(span=weights, metrics={"overall": {"auc": 0.7}})
    version, reason = store.publish(folder / "s", model(folder, weights), {contents.STATISTICS: statistics}, facts, keep)
    return version.number, reason


def served(folder: Path) -> str:
    """The weights that a server serves now."""
    version = store.production(folder / "s")
    assert version
    store.verify(version)
    return (version.folder / "variables" / "variables.data").read_text()


def test_the_version_before_comes_back_under_a_new_number(tmp_path):
    publish(tmp_path, "a")
    publish(tmp_path, "b")
    source, version = restore(tmp_path / "s", None, keep=10)
    assert (source.number, version.number) == (1, 3)
    assert served(tmp_path) == "a"
    manifest = store.read(tmp_path / "s", 3).manifest
    assert (manifest.version, manifest.span, manifest.restored_from) == (3, "a", 1)
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(manifest.restored)
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
    assert (version.folder / contents.STATISTICS).read_text() == "of a"
    assert [entry.version for entry in manifest.withdrawn] == [2]


def test_the_withdrawn_model_is_not_published_again_but_a_new_one_is(tmp_path):
    publish(tmp_path, "a")
    publish(tmp_path, "b")
    restore(tmp_path / "s", None, keep=10)
    assert publish(tmp_path, "b") == (3, "this very model was version 2, which a rollback took out of production")
    assert publish(tmp_path, "c") == (4, "")
    assert publish(tmp_path, "b")[1].startswith("this very model was version 2")


def test_a_withdrawn_model_that_was_trained_again_is_not_published_either(tmp_path):
    """TensorFlow's fingerprint has a random number of each saving: all else of the same training is the same."""
    for weights, uuid in (("a", "1"), ("b", "2")):
        (model(tmp_path, weights) / contents.FINGERPRINT).write_text(uuid)
        publish(tmp_path, weights)
    restore(tmp_path / "s", None, keep=10)
    (model(tmp_path, "b") / contents.FINGERPRINT).write_text("3")
    assert publish(tmp_path, "b") == (3, "this very model was version 2, which a rollback took out of production")


def test_two_rollbacks_in_a_row_go_back_two_versions(tmp_path):
    for weights in "abc":
        publish(tmp_path, weights)
    assert restore(tmp_path / "s", None, keep=10)[0].number == 2
    assert restore(tmp_path / "s", None, keep=10)[0].number == 1
    assert served(tmp_path) == "a"
    with pytest.raises(VersionNotFound, match=r"no other model that was not rolled back already; there are 1, 2, 3, 4, 5"):
        restore(tmp_path / "s", None, keep=10)


def test_a_version_that_is_named_comes_back_even_when_it_was_withdrawn(tmp_path):
    for weights in "ab":
        publish(tmp_path, weights)
    restore(tmp_path / "s", None, keep=10)
    restore(tmp_path / "s", 2, keep=10)
    assert served(tmp_path) == "b"
    assert publish(tmp_path, "b") == (4, "version 4 in production is this very model")


def test_a_corrupt_version_in_production_is_what_one_goes_back_from(tmp_path):
    for weights in "ab":
        publish(tmp_path, weights)
    (tmp_path / "s" / "2" / "manifest.json").write_text("{")
    source, version = restore(tmp_path / "s", None, keep=10)
    assert (source.number, version.number, version.manifest.withdrawn) == (1, 3, [])
    assert served(tmp_path) == "a"


def test_what_was_withdrawn_stays_withdrawn_when_the_manifest_that_said_so_is_corrupt(tmp_path):
    for weights in "ab":
        publish(tmp_path, weights)
    restore(tmp_path / "s", None, keep=10)
    publish(tmp_path, "c")
    (tmp_path / "s" / "4" / "manifest.json").write_text("{")
    assert restore(tmp_path / "s", None, keep=10)[1].number == 5
    assert publish(tmp_path, "b") == (5, "this very model was version 2, which a rollback took out of production")


def test_a_damaged_version_is_not_restored(tmp_path):
    for weights in "ab":
        publish(tmp_path, weights)
    (tmp_path / "s" / "1" / "saved_model.pb").write_text("other")
    with pytest.raises(CorruptModel, match=r"Version 1 in .* differs from its manifest: saved_model.pb"):
        restore(tmp_path / "s", None, keep=10)
    assert store.versions(tmp_path / "s") == [1, 2]


def test_a_version_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(VersionNotFound, match="holds no version"):
        restore(tmp_path / "s", None, keep=10)
    publish(tmp_path, "a")
    with pytest.raises(VersionNotFound, match=r"no version 7 in .*Expected one of 1; 1 is in production"):
        restore(tmp_path / "s", 7, keep=10)
    with pytest.raises(VersionNotFound, match="Below version 1"):
        restore(tmp_path / "s", None, keep=10)


def test_a_rollback_keeps_as_many_versions_as_a_push(tmp_path):
    for weights in "abc":
        publish(tmp_path, weights)
    restore(tmp_path / "s", 1, keep=2)
    assert store.versions(tmp_path / "s") == [3, 4]
    assert served(tmp_path) == "a"


@pytest.mark.parametrize("step", ["copytree", "fsync_tree", "rename"])
def test_a_kill_in_any_step_leaves_whole_versions(tmp_path, monkeypatch, step):
    """A real SIGKILL, right before the step named."""
    for weights in "ab":
        publish(tmp_path, weights)
    owner = {"copytree": store.shutil, "fsync_tree": store, "rename": Path}[step]

    def killed(*_arguments, **_options):
        os.kill(os.getpid(), signal.SIGKILL)

    def work():
        monkeypatch.setattr(owner, step, killed)
        restore(tmp_path / "s", None, keep=10)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert served(tmp_path) == "b"
    restore(tmp_path / "s", None, keep=10)
    assert served(tmp_path) == "a"
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [".lock", "1", "2", "3"]


@settings(deadline=None)  # a busy machine's files are slow
@given(st.lists(st.sampled_from(["a", "b", "c", "back"]), max_size=12))
def test_whatever_is_done_a_withdrawn_model_never_comes_back_by_a_push(tmp_path_factory, actions):
    with temporary_folder(tmp_path_factory.mktemp("restore")) as folder:
        highest = 0
        for action in actions:
            before = store.production(folder / "s")
            banned = {entry.model for entry in before.manifest.withdrawn} if before else set()
            if action == "back":
                try:
                    restore(folder / "s", None, keep=3)
                except VersionNotFound:
                    continue
            else:
                publish(folder, action, keep=3)
            version = store.production(folder / "s")
            assert version
            store.verify(version)
            assert version.model_digest not in banned
            assert version.number >= highest
            highest = version.number
            assert len(store.versions(folder / "s")) <= 3
