"""What a person edits in a problem's folder is held together before anything runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.shared.errors import BadConfig
from data import DEFAULT_PROBLEM
from pipeline import config, edited_files
from tests import neutral

ROW = {
    name: value if isinstance(value, str) else float(value)
    for name, value in neutral.rows(optional=False).iloc[0].items()
    if name in neutral.PROBLEM.declared
} | {"gift": 1}


@pytest.fixture
def folder(tmp_path) -> Path:
    return neutral.write(tmp_path / "parcels", months=["2024-01"], each=50)


def check(folder: Path, *overrides: str) -> str:
    return edited_files.check(config.load(problem=folder, overrides=[*overrides]))


def test_what_fits_is_passed_without_a_word(folder):
    (folder / "request.json").write_text(json.dumps({"signature_name": "raw", "instances": [ROW, ROW | {"price": None}]}))
    assert check(folder) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weihgt": 1.0}, r"request.json, row 1, does not fit .*problem.toml: weihgt is not a feature"),
        ({"shop": 3}, "shop is 3, expected string"),
        ({"distance": "far"}, "distance is 'far', expected float32"),
        ({"distance": None}, "distance is missing, and not optional"),
        ({"gift": 0.5}, "gift is 0.5, expected int64"),
        ({"gift": True}, "gift is True, expected int64"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(folder, change, message):
    (folder / "request.json").write_text(json.dumps([ROW | change]))
    with pytest.raises(BadConfig, match=message):
        check(folder)


@pytest.mark.parametrize("content", ["{", "[]", "3"])
def test_a_request_without_rows_is_refused(folder, content):
    (folder / "request.json").write_text(content)
    with pytest.raises(BadConfig, match=r"request.json (cannot be read as JSON|holds no rows)"):
        check(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dropout": 1.5}, "dropout = 1.5: Input should be less than 1"),
        ({"members": "two"}, "members = 'two': Input should be a valid integer"),
        ({"hidden_units": []}, "hidden_units: List should have at least 1 item"),
        ({"hidden_units": [10**9]}, "hidden_units.0 = 1000000000: Input should be less than or equal to 65536"),
        ({"layers": 3}, "layers = 3: Extra inputs are not permitted.* an object of learning_rate, weight_decay"),
    ],
)
def test_hyperparameters_that_do_not_fit_are_refused(folder, change, message):
    (folder / "hyperparameters.json").write_text(json.dumps(neutral.HYPERPARAMETERS | change))
    with pytest.raises(BadConfig, match=f"hyperparameters.json does not hold hyperparameters: {message}"):
        check(folder)


@pytest.mark.parametrize("file", ["schema.pbtxt", "hyperparameters.json", "card.toml"])
def test_a_file_that_is_not_there_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(BadConfig, match=rf"{re.escape(file)} .*No such file"):
        check(folder)


def test_codes_of_what_is_no_feature_are_refused(folder):
    with (folder / "codes.csv").open("a") as lines:
        lines.write("land,AT,Austria,,\n")
    with pytest.raises(BadConfig, match=r"codes.csv has codes of land"):
        check(folder)


def test_a_declared_column_cannot_be_ignored(folder):
    with pytest.raises(BadConfig, match=r"data.ignore_columns has day, price, which .*problem.toml declares"):
        check(folder, "data.ignore_columns=['day', 'price']")


def test_a_card_of_another_problem_is_refused(folder):
    other = DEFAULT_PROBLEM / "card.toml"
    (folder / "card.toml").write_text(other.read_text())
    with pytest.raises(BadConfig, match=r"card.toml speaks of another problem: its summary stands in .*Write"):
        check(folder)


def test_two_problems_may_learn_from_one_table(folder):
    """All that their cards say may be the same but for what is predicted."""
    other = (DEFAULT_PROBLEM / "card.toml").read_text()
    (folder / "card.toml").write_text(re.sub(r'summary = """.*?"""', 'summary = "Something else."', other, flags=re.DOTALL))
    assert check(folder) == ""


def test_what_is_still_to_be_written_of_a_card_is_said(folder):
    (folder / "card.toml").write_text(neutral.CARD.replace("the tests", "<name and address of who answers for it>"))
    assert re.search(r"card.toml has placeholders for owners: a model is trained, and not published until", check(folder))
    (folder / "card.toml").write_text(neutral.CARD.replace("the tests", "<me@example.org>"))
    assert check(folder) == ""


def test_it_takes_no_tensorflow(folder):
    heavy = ("tensorflow", "tfx", "apache_beam", "pandas")
    program = (
        "import sys; from pathlib import Path; from pipeline import config, edited_files;"
        f"edited_files.check(config.load(problem=Path({str(folder)!r}))); print([m for m in {heavy} if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout.strip() == "[]"
