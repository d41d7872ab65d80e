"""What `make` builds before a verb: the rows of its problem, by the problem's own program, and nobody else's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PROGRAM = """
from pathlib import Path

month = Path(__file__).parent / "spans" / "2024-01"
month.mkdir(parents=True, exist_ok=True)
(month / "made.csv").write_text("made")
"""


@pytest.fixture
def checkout(tmp_path):
    """A folder with this Makefile, this environment, and two problems: one whose rows a program makes, and one without."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / ".ci" / "sql_util").mkdir(parents=True)
    for name in ("pyproject.toml", "uv.lock", ".ci/sql_util/pyproject.toml"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))  # older than the environment, which is installed then
    for name in (".venv", ".tools"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    for name in ("made", "own"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "made" / "build.py").write_text(PROGRAM)
    return tmp_path


def make(checkout: Path, *arguments: str) -> str:
    outer = ("MAKEFLAGS", "MAKELEVEL", "ARGS", "PROBLEM")  # of the make that runs the tests
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    ended = subprocess.run(
        ["make", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def spans(checkout: Path, problem: str) -> list[str]:
    return sorted(str(path.relative_to(checkout / "data" / problem)) for path in (checkout / "data" / problem).rglob("*.csv"))


def test_a_program_makes_the_rows_of_its_problem_once(checkout):
    assert make(checkout, "data", "PROBLEM=made") == ""
    assert spans(checkout, "made") == ["spans/2024-01/made.csv"]
    (checkout / "data/made/spans/2024-01/made.csv").unlink()
    make(checkout, "data", "PROBLEM=made")
    assert spans(checkout, "made") == []  # nothing has changed
    os.utime(checkout / "data/made/build.py", (2e9, 2e9))
    make(checkout, "data", "PROBLEM=made")
    assert spans(checkout, "made") == ["spans/2024-01/made.csv"]


def test_rows_that_the_program_did_not_write_are_left_alone(checkout):
    own = checkout / "data/made/spans/2024-02"
    own.mkdir(parents=True)
    (own / "own.csv").write_text("own")
    assert "data/made/spans holds rows that data/made/build.py did not write" in make(checkout, "data", "PROBLEM=made")
    assert spans(checkout, "made") == ["spans/2024-02/own.csv"]


def test_a_build_that_was_interrupted_is_finished(checkout):
    month = checkout / "data/made/spans/2024-01"
    month.mkdir(parents=True)
    (month / "half.csv").touch()
    (checkout / "data/made/spans/.building").touch()
    make(checkout, "data", "PROBLEM=made")
    assert "spans/2024-01/made.csv" in spans(checkout, "made")
    assert not (checkout / "data/made/spans/.building").exists()


@pytest.mark.parametrize("verb", ["run", "tune", "replay"])
@pytest.mark.parametrize(
    ("arguments", "builds"),
    [(["PROBLEM=made"], True), (["PROBLEM=own"], False), (["PROBLEM=made", "ARGS=--problem data/own"], False)],
)
def test_a_verb_builds_no_rows_but_those_of_its_problem(checkout, verb, arguments, builds):
    said = make(checkout, "--dry-run", verb, *arguments)
    assert ("-m data.made.build" in said) == builds
    assert (".build" in said) == builds or "PROBLEM=own" in arguments
