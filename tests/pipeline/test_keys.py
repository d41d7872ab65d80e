import stat
from pathlib import Path

import pytest

from components.model_store import store
from components.model_store.signature import SIGNATURE, read_keys
from components.shared.errors import SignatureInvalid
from pipeline import keys, rollback
from pipeline.config import load
from tests.pipeline.conftest import MODEL, with_set


@pytest.fixture
def settings(parcels, tmp_path, capsys):
    """The command line's settings with a pair of keys."""
    assert keys.main(["make", str(tmp_path / "keys")]) == 0
    assert "private.pem signs: keep it secret." in capsys.readouterr().out
    pair = {"signing_key": tmp_path / "keys" / keys.PRIVATE, "public_key": tmp_path / "keys" / keys.PUBLIC}
    return ["--problem", str(parcels), *with_set(*(f"publish.{name}={path}" for name, path in pair.items()))]


@pytest.fixture
def trusted(settings, tmp_path):
    return read_keys(tmp_path / "keys" / keys.PUBLIC)


@pytest.fixture
def version(versions) -> Path:
    """The folder of version 1, published without a signature."""
    return versions / "serving" / MODEL / "1"


def test_only_the_owner_reads_the_private_key(settings, tmp_path):
    assert stat.S_IMODE((tmp_path / "keys" / keys.PRIVATE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("there", [keys.PRIVATE, keys.PUBLIC])
def test_no_key_is_ever_overwritten(tmp_path, capsys, there):
    (tmp_path / there).write_text("precious")
    assert keys.main(["make", str(tmp_path)]) == 2
    assert f"{there} exists already" in capsys.readouterr().out
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "precious")]


def test_a_folder_that_cannot_be_written_is_named(capsys):
    assert keys.main(["make", "/proc/keys"]) == 2
    assert "No keys were made in /proc/keys" in capsys.readouterr().out


def test_a_version_of_before_is_signed(version, settings, trusted, capsys):
    with pytest.raises(SignatureInvalid):
        store.read(version.parent, 1, trusted)
    assert keys.main(["sign", str(version), *settings]) == 0
    assert f"Signed {version}." in capsys.readouterr().out
    store.verify(store.read(version.parent, 1, trusted))
    assert sorted(path.name for path in version.parent.iterdir()) == [".lock", "1", "2"]


def test_a_version_that_was_changed_is_not_signed(version, settings, capsys):
    (version / "saved_model.pb").write_text("worse")
    assert keys.main(["sign", str(version), *settings]) == 1
    assert "differs from its manifest: saved_model.pb" in capsys.readouterr().out
    assert not (version / SIGNATURE).exists()


def test_a_version_under_another_name_or_number_is_not_signed(version, settings, capsys):
    for name in (f"{MODEL}/7", "other/1"):
        elsewhere = version.parent.parent / name
        elsewhere.parent.mkdir(exist_ok=True)
        version.rename(elsewhere)
        assert keys.main(["sign", str(elsewhere), *settings]) == 1
        assert f"says that it is version 1 of {MODEL}" in capsys.readouterr().out
        assert not (elsewhere / SIGNATURE).exists()
        elsewhere.rename(version)


def test_what_is_no_version_is_named(settings, tmp_path, capsys):
    assert keys.main(["sign", str(tmp_path), *settings]) == 1
    assert "is not a version; expected a folder with a number" in capsys.readouterr().out


def test_without_a_key_nothing_is_signed(parcels, version, capsys):
    assert keys.main(["sign", str(version), "--problem", str(parcels)]) == 2
    assert "publish.signing_key is empty" in capsys.readouterr().out


def test_one_key_without_the_other_is_refused(parcels, settings, capsys):
    assert keys.main(["sign", "1", *settings[:4]]) == 2
    assert "signing_key and public_key come together" in capsys.readouterr().out
    publish = load(problem=parcels).publish
    assert (publish.signing_key, publish.public_key) == ("", "")


def test_a_rollback_asks_for_signatures_and_signs(version, settings, trusted, capsys):
    root = version.parent.parent.parent
    assert rollback.main(["--root", str(root), "--to", "1", *settings]) == 1
    assert "SignatureInvalid: " in capsys.readouterr().out
    folders = [root / kind / MODEL / "1" for kind in ("serving", "mobile")]
    assert keys.main(["sign", *map(str, folders), *settings]) == 0
    assert rollback.main(["--root", str(root), "--to", "1", *settings]) == 0
    for folder in folders:
        assert store.production(folder.parent, trusted).manifest.restored_from == 1
