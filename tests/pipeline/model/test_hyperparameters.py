from pathlib import Path

import pytest

from components.shared.errors import BadConfig
from pipeline import config
from pipeline.model import hyperparameters

COMMITTED = Path(config.load().train.hyperparameters)


def test_the_committed_file_is_valid():
    assert hyperparameters.read(COMMITTED).hidden_units


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"members": 8', '"members": 0', "members: Input should be greater than or equal to 1"),
        ('"members": 8', '"member": 8', "members: Field required; member: Extra inputs are not permitted"),
        ('"dropout": 0.5', '"dropout": 1', "dropout: Input should be less than 1"),
        ("{", "", "Extra data"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, before, after, message):
    path = tmp_path / "h.json"
    path.write_text(COMMITTED.read_text().replace(before, after, 1))
    with pytest.raises(BadConfig, match=f"h.json does not hold hyperparameters: {message}.*make tune"):
        hyperparameters.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none.json does not hold hyperparameters: .*No such file"):
        hyperparameters.read(tmp_path / "none.json")
