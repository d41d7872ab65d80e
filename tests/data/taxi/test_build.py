"""The taxi trips: the folder and its rows are what `adopt` makes of the file that TFX carries, whatever else it can do."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import REPOSITORY

from data.taxi import build

FILES = ("problem.toml", "schema.pbtxt", "card.toml", "hyperparameters.json", "request.json", "decisions.json")


@pytest.fixture(scope="module")
def adopted(tmp_path_factory) -> Path:
    into = tmp_path_factory.mktemp("adopted")
    command = [sys.executable, "-m", "pipeline.adopt", str(build.source_file()), "--name", "taxi", "--into", str(into)]
    asked = [*command, "--label", "tips > 0.2 * fare AS big_tip"]
    done = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return into / "taxi"


@pytest.mark.parametrize("name", FILES)
def test_the_committed_folder_is_as_it_came_out(adopted, name):
    assert (REPOSITORY / "data" / "taxi" / name).read_text() == (adopted / name).read_text()


def test_the_program_makes_the_rows_that_adopt_wrote(adopted, tmp_path):
    assert build.main(["--folder", str(tmp_path / "spans")]) == 0
    made, expected = (sorted(path.name for path in folder.iterdir()) for folder in (tmp_path / "spans", adopted / "spans"))
    assert made == expected and len(made) == 48
    for span in made:
        mine, its = (
            pd.read_parquet(folder / span / "taxi_0.parquet").sort_values([*mine_columns(folder / span)]).reset_index(drop=True)
            for folder in (tmp_path / "spans", adopted / "spans")
        )
        pd.testing.assert_frame_equal(mine, its, check_dtype=False)


def mine_columns(span: Path) -> list[str]:
    return list(pd.read_parquet(span / "taxi_0.parquet").columns)


def test_months_that_are_there_stay_as_they_are(tmp_path):
    folder = tmp_path / "spans"
    (folder / "2013-01").mkdir(parents=True)
    assert build.main(["--folder", str(folder)]) == 0
    assert not any((folder / "2013-01").iterdir())
    assert len(list((folder / "2016-12").iterdir())) == 1
