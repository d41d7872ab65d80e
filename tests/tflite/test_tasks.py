"""The command line and the app's check on phone's files of every other task than the binary one."""

import csv
import json

import numpy as np
import pytest

import tflite.predict
from components.shared.phone import card as model_card
from tests.other_tasks import CLASSES
from tflite import install


@pytest.fixture
def card(task_model):
    return model_card.read(task_model.file)


@pytest.fixture
def golden(card):
    """(Rows, the file's answers for them.)"""
    return [each.row for each in card.golden], np.array([each.score for each in card.golden])


def test_an_app_of_older_code_refuses_the_card(card):
    assert (card.schema_version, card.threshold, card.base_rate) == (2, None, None)


def test_answers_are_in_the_words_of_the_card(task_model, golden, tmp_path, capsys):
    rows, expected = golden
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert tflite.predict.main(["--model", str(task_model.file), "--json", str(tmp_path / "rows.json")]) == 0
    printed = capsys.readouterr().out.splitlines()
    if task_model.task == "multiclass":
        said = [f"what becomes of it: {CLASSES[each.argmax()]}, probability {each.max():.4f}" for each in expected]
    else:
        said = [f"cost: {each:.4g} EUR (in 90% of such cases from {each - 2.5:.4g} to {each + 4:.4g})" for each in expected]
    assert printed == said


def test_csv_has_a_column_more_or_one_a_class(task_model, golden, tmp_path, capsys):
    rows, expected = golden
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert tflite.predict.main(["--model", str(task_model.file), "--csv", str(tmp_path / "rows.csv")]) == 0
    found = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    named = (
        [f"probability of {name}" for name in CLASSES]
        if task_model.task == "multiclass"
        else ["prediction", "lower end", "upper end"]
    )
    assert [*found[0]] == [*rows[0], *named]
    answers = np.array([[float(row[name]) for name in named] for row in found])
    if task_model.task == "regression":
        expected = np.stack([expected, expected - 2.5, expected + 4], axis=1)
    np.testing.assert_allclose(answers, expected, rtol=1e-4)


def test_the_file_goes_into_the_app(task_model, card, tmp_path):
    version = install.published(task_model.mobile, None)
    assert install.check(version) == card
    assert install.install(version, tmp_path / "assets")
