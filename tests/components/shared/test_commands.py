"""Commands name the problem where it is not the one that they take by default."""

from pathlib import Path

import pytest

from components.shared.commands import make, module, named


def test_the_problem_by_default_has_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named(Path("data/flat"), tmp_path / "data/flat") == ""
    assert named(tmp_path / "data/trips", tmp_path / "data/flat") == "data/trips"
    assert named(tmp_path.parent / "trips", tmp_path / "data/flat") == str(tmp_path.parent / "trips")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("", 'make tune ARGS="--trials 3"'),
        ("data/trips", 'make tune PROBLEM=trips ARGS="--trials 3"'),
        ("/home/me/trips", 'make tune ARGS="--problem /home/me/trips --trials 3"'),
    ],
)
def test_make_takes_a_folder_of_data_by_its_name_and_any_other_as_an_option(problem, told):
    assert make("tune", problem, "--trials 3") == told


def test_a_module_takes_any_folder():
    assert module("pipeline.rollback", "") == "python -m pipeline.rollback"
    assert module("pipeline.rollback", "/a b/trips", "--to 2") == "python -m pipeline.rollback --problem '/a b/trips' --to 2"
