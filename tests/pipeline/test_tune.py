import subprocess
import sys

from conftest import REPOSITORY, states

from pipeline.model import hyperparameters


def tune(*arguments):
    command = [sys.executable, "-m", "pipeline.tune", *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)


def test_a_search_writes_a_file_that_the_trainer_reads(parcels, tmp_path):
    settings = [f"run.root={tmp_path}", "train.epochs=1", "gate.min_rows=100"]
    overrides = [part for setting in settings for part in ("--set", setting)]
    result = tune("--problem", parcels, "--trials", 2, "--out", tmp_path / "found.json", *overrides)
    assert result.returncode == 0, result.stdout + result.stderr
    assert states(result.stdout)["Tuner"] == "done" and "Trainer" not in states(result.stdout)
    found = hyperparameters.read(tmp_path / "found.json")
    assert 5e-4 <= found.learning_rate <= 5e-3
    assert "hidden_units" in result.stdout
    assert f"train.hyperparameters={tmp_path / 'found.json'}" in result.stdout


def test_no_trials_are_refused():
    result = tune("--trials", 0)
    assert result.returncode == 2 and "argument --trials: 0; expected 1 or more" in result.stderr
