"""Folders whose names look like patterns."""

import pytest

from components.shared import folders


@pytest.mark.parametrize("name", ["a [b]", "a*?", "a\\b", "c #%é {d}"])
def test_the_files_of_a_folder_are_found_whatever_it_is_called(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    for file in ("2.gz", "1.gz", "notes"):
        (folder / file).touch()
    assert folders.matching(f"{folder}/", "*.gz") == [str(folder / "1.gz"), str(folder / "2.gz")]
    assert folders.matching(str(folder / "nowhere")) == []
