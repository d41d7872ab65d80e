import subprocess
import sys

import pytest
from conftest import REPOSITORY, states

from pipeline import tune
from pipeline.model import hyperparameters


def test_a_search_writes_a_file_that_the_trainer_reads(parcels, tmp_path):
    settings = [f"run.root={tmp_path}", "train.epochs=1", "gate.min_rows=100"]
    overrides = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "pipeline.tune", "--problem", parcels, "--trials", "2", "--out", tmp_path / "found.json"]
    result = subprocess.run([*command, *overrides], cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert states(result.stdout)["Tuner"] == "done" and "Trainer" not in states(result.stdout)
    found = hyperparameters.read(tmp_path / "found.json")
    assert 5e-4 <= found.learning_rate <= 5e-3
    assert "hidden_units" in result.stdout
    assert f"train.hyperparameters={tmp_path / 'found.json'}" in result.stdout


def test_no_trials_are_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        tune.main(["--trials", "0"])
    assert caught.value.code == 2 and "argument --trials: 0; expected 1 or more" in capsys.readouterr().err
