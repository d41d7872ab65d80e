"""A problem that is not the example, from the command line to its answers; and one that has a single number."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ParcelRuns, run_problem, states

from components.model_store import store
from components.shared.phone import card
from serving import batch
from tests import neutral
from tflite import predict


@pytest.fixture(scope="module")
def phone(parcel_runs: ParcelRuns) -> Path:
    return store.production(parcel_runs.mobile).folder / card.MODEL_FILE


def test_each_run_publishes_for_the_server_and_for_the_phone(parcel_runs, phone):
    for output in parcel_runs.said:
        assert states(output)["Publisher"] == states(output)["MobilePublisher"] == "done"
    published = store.production(parcel_runs.serving)
    assert (published.number, phone.parent.name) == (2, "2")
    assert "nothing is in production yet" in parcel_runs.said[0] and "AUC less that of version 1" in parcel_runs.said[1]
    assert "Drift: drifted" in parcel_runs.said[1], "more parcels come back by the month"


def test_the_phones_file_says_what_the_problem_says(phone):
    stated = card.read(phone)
    assert (stated.model, stated.label, stated.words.title) == ("parcels", neutral.LABEL, "Will it come back?")
    assert [feature.name for feature in stated.features] == list(neutral.DECLARED)
    distance = next(feature for feature in stated.features if feature.name == "distance")
    assert (distance.form, distance.between) == ("distance", ("shop", "country"))


def test_the_server_and_the_phone_answer_alike(parcel_runs, phone, tmp_path, monkeypatch, capsys):
    rows = neutral.rows(months=["2024-04"], each=60)[list(neutral.DECLARED)]
    rows.to_parquet(tmp_path / "rows.parquet")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.chdir(parcel_runs.problem.parent)
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
    stated = (folder / "problem.toml").read_text()
    (folder / "problem.toml").write_text(stated.replace("epochs = 2", "epochs = 20"))  # one number takes longer to be learned
    output = run_problem(folder, tmp_path / "runs" / "alone", "2024-02")
    assert states(output)["Publisher"] == states(output)["MobilePublisher"] == states(output)["RunReport"] == "done"
    file = store.production(tmp_path / "runs" / "alone" / "mobile" / "parcels").folder / card.MODEL_FILE
    assert [feature.name for feature in card.read(file).features] == ["price"]
