"""The command line on a file that a run published."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from conftest import REPOSITORY
from rich.console import Console

import tflite.predict
from components.shared import problem_folder
from components.shared.errors import Exit, VersionNotFound
from components.shared.phone import card as model_card
from components.shared.phone.card import FeatureCard, ModelCard, Words
from tests.clocks import starts


@pytest.fixture
def model(parcel_runs, tmp_path) -> Path:
    """A copy of the newest published version's file."""
    return Path(shutil.copytree(parcel_runs.mobile / "2", tmp_path / "2")) / "model.tflite"


@pytest.fixture
def golden(model):
    return model_card.read(model).golden


@pytest.fixture
def predict(capsys, monkeypatch):
    """The command in this process: how it ended, and what it said. A warning of NumPy's is a failure."""

    def predict(*arguments, answers: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                code = tflite.predict.main([*map(str, arguments)])
            except SystemExit as ended:  # argparse's
                code = ended.code
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return predict


def write(path: Path, content) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_row_of_json_gets_its_probability_and_the_words_and_costs_little(model, golden, tmp_path):
    row = write(tmp_path / "row.json", golden[0].row)
    command = [sys.executable, "-m", "tflite.predict", "--model", str(model), "--json", str(row)]

    def predict() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    done = predict()
    words = model_card.read(model).words
    words = words.positive if golden[0].score >= 0.5 else words.negative
    assert (done.stdout, done.stderr) == (f"probability {golden[0].score:.4f}: {words} (threshold 0.5)\n", "")
    assert starts(predict) < 6


def test_the_answer_and_the_questions_are_in_the_words_of_the_card(capsys, monkeypatch):
    features = [FeatureCard(name="grams", kind="numeric", dtype="float32", words="Weight", unit="g")]
    words = Words(positive="broken", negative="whole")
    card = ModelCard.model_construct(features=features, words=words, output="probability", threshold=0.5)
    monkeypatch.setattr("sys.stdin", io.StringIO("7\n"))
    row = tflite.predict.ask(card, Console(stderr=True, highlight=False))
    tflite.predict.answer([row, row], lambda rows: [0.25, 0.5], card, as_csv=False)
    shown = capsys.readouterr()
    assert shown.err == "Weight (a number, g): "
    assert shown.out == "probability 0.2500: whole (threshold 0.5)\nprobability 0.5000: broken (threshold 0.5)\n"


def test_the_newest_version_of_the_problem_is_taken_unless_one_is_named(tmp_path, monkeypatch):
    (tmp_path / "parcels").mkdir()
    (tmp_path / "parcels" / "problem.toml").write_text('[problem]\nmodel = "broken_parcel"\n')
    monkeypatch.chdir(tmp_path)
    folder = problem_folder.published(Path("parcels"), "mobile")
    with pytest.raises(
        VersionNotFound, match=r"runs/parcels/mobile/broken_parcel holds no version; expected one that a run published"
    ):
        tflite.predict.newest(folder)
    for number in (2, 10):
        (folder / str(number)).mkdir(parents=True)
    assert tflite.predict.newest(folder) == Path("runs/parcels/mobile/broken_parcel/10")


def test_no_tensorflow_is_imported():
    code = "import sys, tflite.predict; assert not {'tensorflow', 'tfx', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_rows_of_csv_come_back_with_a_column_more(predict, model, golden, tmp_path):
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, golden[0].row)
        writer.writeheader()
        writer.writerows([each.row for each in golden])
    done = predict("--model", model, "--csv", tmp_path / "rows.csv")
    answers = list(csv.DictReader(done.stdout.splitlines()))
    assert [float(row["probability"]) for row in answers] == pytest.approx([each.score for each in golden], abs=1e-6)
    assert answers[0]["shop"] == golden[0].row["shop"]


def test_rows_of_the_table_that_the_problem_was_made_of_are_told_what_is_wanted(predict, model, golden, tmp_path):
    row = {name: value for name, value in golden[0].row.items() if value is not None}
    problem = tmp_path / "parcels"
    problem.mkdir()
    write(problem / "request.json", {"instances": [row]})
    write(problem / "decisions.json", {"made_of": {"shop": "Shop!", "other": "x"}})
    (problem / "problem.toml").write_text('[problem]\nmodel = "parcels"\n')
    (tmp_path / "rows.csv").write_text("Shop!,price\nbooks,3\n")
    told = f"One row as it has to be is in {problem}/request.json. From the columns of its table: shop is Shop!.\n"
    done = predict("--problem", problem, "--model", model, "--csv", tmp_path / "rows.csv")
    assert done.returncode == Exit.DATA_REJECTED
    assert done.stderr.startswith("BadData: row 1: Shop! is no field of this model. Expected some of ")
    assert told in done.stderr
    lacking = {name: value for name, value in row.items() if name != "gift"}
    done = predict("--problem", problem, "--model", model, "--json", write(tmp_path / "row.json", lacking))
    assert done.stderr.startswith("BadData: row 1: gift is missing. Expected ")
    assert told in done.stderr


def test_it_asks_for_one_row_and_again_after_a_wrong_answer(predict, model, golden):
    lines = []
    for feature in model_card.read(model).features:
        value = golden[0].row[feature.name]
        lines += ["cheap"] if feature.name == "price" else []
        lines.append("" if value is None else str(value))
    done = predict("--model", model, answers="\n".join(lines) + "\n")
    assert f"probability {golden[0].score:.4f}: " in done.stdout
    assert "price is 'cheap'. Expected a number from 0 to 1000, EUR." in done.stderr


def test_answers_that_end_early_are_no_row(predict, model):
    done = predict("--model", model, answers="books\n")
    assert done.returncode == Exit.DATA_REJECTED
    assert "BadData: the input ended at country; expected an answer to each question.\n" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mood": 1}, "row 1: mood is no field of this model. Expected some of shop, country"),
        ({"shop": 7}, "row 1: shop is 7. Expected a text, such as books, shoes"),
        ({"distance": "far"}, "row 1: distance is 'far'. Expected a number from 0 to 1000, km."),
        ({"distance": None}, "row 1: distance is missing. Expected a number"),
        ({"gift": 0.5}, "row 1: gift is 0.5. Expected an integer from 0 to 1."),
        ({"gift": True}, "row 1: gift is True. Expected an integer"),
        ({"weight": float("nan")}, "row 1: weight is nan. Expected a number"),
        ({"weight": 1e300}, "row 1: weight is 1e+300. Expected a number"),
        ({"weight": 10**400}, f"row 1: weight is {10**400}. Expected a number"),
        ({"gift": 10**30}, f"row 1: gift is {10**30}. Expected an integer from 0 to 1"),
    ],
)
def test_a_row_that_is_not_one_is_refused_with_what_is_allowed(predict, model, tmp_path, change, message):
    row = model_card.read(model).golden[0].row | change
    done = predict("--model", model, "--json", write(tmp_path / "row.json", row))
    assert done.returncode == Exit.DATA_REJECTED
    assert done.stderr.startswith(f"BadData: {message}"), "no warning of NumPy's before it"
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", ["1e39", "1e400"])
def test_a_number_that_is_too_large_is_refused_without_a_warning(predict, model, golden, tmp_path, number):
    row = {name: "" if value is None else str(value) for name, value in golden[0].row.items()} | {"weight": number}
    (tmp_path / "rows.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    done = predict("--model", model, "--csv", tmp_path / "rows.csv")
    assert done.returncode == Exit.DATA_REJECTED
    assert re.match(r"BadData: .*weight is .*xpected a number.*\n", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize("content", ["", "[]", "[1]", "{", "[" * 100_000])
def test_json_without_rows_is_refused(predict, model, tmp_path, content):
    (tmp_path / "row.json").write_text(content)
    done = predict("--model", model, "--json", tmp_path / "row.json")
    assert done.returncode == Exit.DATA_REJECTED
    assert "BadData: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "content", ["", "shop,country\n", "shop,country\nbooks\n", "shop,distance\nbooks,far\n", "shop,distance\nbooks,2_29\n"]
)
def test_csv_without_rows_is_refused(predict, model, tmp_path, content):
    (tmp_path / "rows.csv").write_text(content)
    done = predict("--model", model, "--csv", tmp_path / "rows.csv")
    assert done.returncode == Exit.DATA_REJECTED
    assert f"BadData: {tmp_path}/rows.csv" in done.stderr


def test_a_file_that_was_changed_is_refused(predict, model, golden, tmp_path):
    content = bytearray(model.read_bytes())
    content[5000] ^= 1
    model.write_bytes(content)
    done = predict("--model", model, "--json", write(tmp_path / "row.json", golden[0].row))
    assert done.returncode == 1
    assert f"CorruptModel: {model} differs from its manifest; expected SHA-256" in done.stderr


def test_a_file_without_a_manifest_is_used_with_a_warning(predict, model, golden, tmp_path):
    (model.parent / "manifest.json").unlink()
    done = predict("--model", model, "--json", write(tmp_path / "row.json", golden[0].row))
    assert done.returncode == 0
    assert "There is no manifest beside model.tflite: it was not verified." in done.stderr


def test_a_file_that_is_not_there(predict, tmp_path):
    done = predict("--model", tmp_path / "none.tflite", "--json", write(tmp_path / "row.json", {}))
    assert done.returncode == 2
    assert f"'{tmp_path / 'none.tflite'}'; expected a file that is there and can be read." in done.stderr
