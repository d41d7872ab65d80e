"""The command line; what it does is tested in tests/components/model_store/test_restore.py."""

import shutil
from pathlib import Path

import pytest

from components.model_store import store
from components.model_store.manifest import MANIFEST, Facts
from components.model_store.restore import restore
from pipeline import rollback as command
from tests.pipeline.conftest import MODEL


@pytest.fixture
def root(versions) -> Path:
    return versions


@pytest.fixture
def rollback(parcels, root):
    """Goes back, from the command line; returns its exit code."""
    return lambda *arguments: command.main(["--problem", str(parcels), "--root", str(root), *arguments])


def test_it_says_what_is_in_production_now(rollback, root, capsys):
    assert rollback() == 0
    text = capsys.readouterr().out
    assert "Version 1 is in production again, as version 3: trained up to 2024-02, AUC 0.710 when it was published." in text
    assert "It takes the place of version 2" in text
    assert "No run publishes the model of version 2 again." in text
    for kind in ("serving", "mobile"):
        version = store.production(root / kind / MODEL)
        assert (version.number, version.manifest.span) == (3, "2024-02")


def test_a_phones_model_that_is_not_there_is_named(rollback, root, capsys):
    shutil.rmtree(root / "mobile")
    assert rollback() == 1
    assert store.production(root / "serving" / MODEL).number == 3
    assert "The model for phones stays as it is: " in capsys.readouterr().out


def test_a_rollback_that_ended_before_the_phones_model_followed_is_finished_first(rollback, root, capsys):
    """As after a SIGKILL between the two folders: it does not go back twice."""
    serving, mobile = (root / kind / MODEL for kind in ("serving", "mobile"))
    restore(serving, None, 5)
    assert rollback() == 0
    assert "Version 3 is in production by an earlier rollback, which was not finished for phones." in capsys.readouterr().out
    assert [store.production(folder).manifest.restored_from for folder in (serving, mobile)] == [1, 1]
    assert [store.versions(folder) for folder in (serving, mobile)] == [[1, 2, 3]] * 2
    assert rollback() == 1
    assert "holds no other model that was not rolled back already" in capsys.readouterr().out


@pytest.mark.parametrize("phones", ["gone", "damaged"])
def test_what_phones_cannot_follow_does_not_stop_the_next_rollback(rollback, root, tmp_path, phones):
    (tmp_path / "2024-04").mkdir()
    (tmp_path / "2024-04" / "saved_model.pb").write_text("2024-04")
    store.publish(root / "serving" / MODEL, tmp_path / "2024-04", {}, Facts(span="2024-04"), 5)
    if phones == "gone":
        shutil.rmtree(root / "mobile" / MODEL / "2")
    else:
        (root / "mobile" / MODEL / "2" / "saved_model.pb").write_text("another")
    assert rollback() == 1
    assert store.production(root / "serving" / MODEL).manifest.span == "2024-03"
    assert rollback() == 0
    assert [store.production(root / kind / MODEL).manifest.span for kind in ("serving", "mobile")] == ["2024-02"] * 2


@pytest.mark.parametrize("damage", ["corrupt", "missing"])
def test_a_model_that_cannot_be_withdrawn_is_named(rollback, root, capsys, damage):
    manifest = root / "serving" / MODEL / "2" / MANIFEST
    manifest.write_text("{") if damage == "corrupt" else manifest.unlink()
    assert rollback() == 0
    text = capsys.readouterr().out
    assert "The manifest of version 2 cannot be read or is not signed: its model is unknown, and a run may publish it." in text
    assert "No run publishes" not in text
    assert store.production(root / "serving" / MODEL).manifest.restored_from == 1


def test_an_unknown_version_is_refused(rollback, root, capsys):
    assert rollback("--to", "9") == 1
    assert "VersionNotFound: There is no version 9" in capsys.readouterr().out
    assert store.versions(root / "serving" / MODEL) == [1, 2]


def test_a_wrong_setting_is_refused(rollback, capsys):
    assert rollback("--set", "publish.keep=0") == 2
    assert "publish.keep = 0" in capsys.readouterr().out
