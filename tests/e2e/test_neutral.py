"""A problem that is not the example, from the command line to its answers; and one that has a single number."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, states

from components.model_store import store
from components.shared.phone import card
from serving import batch
from tests import neutral
from tflite import predict


def run(folder: Path, span: str) -> str:
    """What a run of the problem in `folder` says, which writes to runs/<problem> beside it."""
    root = folder.parent / "runs" / folder.name
    command = [*(sys.executable, "-m", "pipeline.local_runner", "--problem", folder), "--root", root, "--span", span]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False, env=os.environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def parcels(tmp_path_factory) -> Path:
    return neutral.write(tmp_path_factory.mktemp("problem") / "parcels")


@pytest.fixture(scope="module")
def said(parcels) -> list[str]:
    """What its two runs say."""
    return [run(parcels, span) for span in neutral.MONTHS[1:]]


@pytest.fixture(scope="module")
def phone(parcels, said) -> Path:
    return store.production(parcels.parent / "runs" / "parcels" / "mobile" / "parcels").folder / card.MODEL_FILE


def test_each_run_publishes_for_the_server_and_for_the_phone(parcels, said, phone):
    for output in said:
        assert states(output)["Publisher"] == states(output)["MobilePublisher"] == "done"
    published = store.production(parcels.parent / "runs" / "parcels" / "serving" / "parcels")
    assert (published.number, phone.parent.name) == (2, "2")
    assert "nothing is in production yet" in said[0] and "AUC less that of version 1" in said[1]
    assert "Drift: drifted" in said[1], "more parcels come back by the month"


def test_the_phones_file_says_what_the_problem_says(phone):
    stated = card.read(phone)
    assert (stated.model, stated.label, stated.words.title) == ("parcels", neutral.LABEL, "Will it come back?")
    assert [feature.name for feature in stated.features] == list(neutral.DECLARED)
    distance = next(feature for feature in stated.features if feature.name == "distance")
    assert (distance.form, distance.between) == ("distance", ("shop", "country"))


def test_the_server_and_the_phone_answer_alike(parcels, phone, tmp_path, monkeypatch, capsys):
    rows = neutral.rows(months=["2024-04"], each=60)[list(neutral.DECLARED)]
    rows.to_parquet(tmp_path / "rows.parquet")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.chdir(parcels.parent)
    given = ["--problem", "parcels", "--input", str(tmp_path / "rows.parquet"), "--output", str(tmp_path / "scores.parquet")]
    assert batch.main(given) == 0
    scores = pd.read_parquet(tmp_path / "scores.parquet")["probability"]
    capsys.readouterr()
    assert predict.main(["--model", str(phone), "--csv", str(tmp_path / "rows.csv")]) == 0
    answers = [float(row["probability"]) for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    np.testing.assert_allclose(answers, scores, atol=1e-3)
    assert scores.std() > 0.05


def test_a_problem_of_one_number_is_published(tmp_path):
    folder = neutral.write(tmp_path / "alone", ["price"], months=neutral.MONTHS[:2])
    output = run(folder, "2024-02")
    assert states(output)["Publisher"] == states(output)["MobilePublisher"] == states(output)["RunReport"] == "done"
    file = store.production(tmp_path / "runs" / "alone" / "mobile" / "parcels").folder / card.MODEL_FILE
    assert [feature.name for feature in card.read(file).features] == ["price"]
