"""The default folder of the commands: the only one that holds versions."""

from pathlib import Path

import pytest

from components.shared.errors import VersionNotFound
from tflite import folders


def versions(folder: Path) -> Path:
    (folder / "1").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("below", ["mobile/broken_parcel", "parcels/mobile/broken_parcel"])
def test_the_only_folder_with_versions_is_found(tmp_path, below):
    (tmp_path / "mobile" / "empty").mkdir(parents=True)
    versions(tmp_path / "serving" / "broken_parcel")
    expected = versions(tmp_path / below)
    assert folders.only_published(tmp_path) == expected


def test_none_is_refused(tmp_path):
    with pytest.raises(VersionNotFound, match=rf"{tmp_path} holds no model for phones; expected one that `make run` published"):
        folders.only_published(tmp_path)


def test_several_are_refused_by_name(tmp_path):
    there = [versions(tmp_path / below) for below in ("mobile/one", "other/mobile/two")]
    with pytest.raises(VersionNotFound, match=rf"several models for phones: {there[0]}, {there[1]}. Expected one; name the"):
        folders.only_published(tmp_path)
