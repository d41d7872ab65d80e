import json

import pytest

from components.shared.errors import BadConfig
from pipeline.model import hyperparameters
from tests.neutral import HYPERPARAMETERS


def test_a_valid_file_is_read(tmp_path):
    (tmp_path / "h.json").write_text(json.dumps(HYPERPARAMETERS))
    assert hyperparameters.read(tmp_path / "h.json").model_dump() == HYPERPARAMETERS


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"members": 2', '"members": 0', "members = 0: Input should be greater than or equal to 1"),
        ('"members": 2', '"member": 8', "members: Field required; member = 8: Extra inputs are not permitted"),
        ('"dropout": 0.1', '"dropout": 1', "dropout = 1: Input should be less than 1"),
        ("{", "", "Extra data"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, before, after, message):
    path = tmp_path / "h.json"
    text = json.dumps(HYPERPARAMETERS)
    assert before in text
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(BadConfig, match=f"h.json does not hold hyperparameters: {message}.*make tune"):
        hyperparameters.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none.json does not hold hyperparameters: .*No such file"):
        hyperparameters.read(tmp_path / "none.json")
