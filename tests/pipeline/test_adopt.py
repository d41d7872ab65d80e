"""`python -m pipeline.adopt`: from a table to a problem's folder that configuration, schema check and card accept."""

import json
import tomllib

import pytest

from components.publisher.model_card import Description
from components.shared.errors import Exit
from pipeline import adopt
from pipeline.config import load
from pipeline.model.hyperparameters import read
from pipeline.problem import Kind
from tests import neutral

MONTHS = [f"2024-{month:02}" for month in range(1, 6)]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Parcels as somebody has them: a label of words, a number for each, a column that is known afterwards, a note."""
    made = neutral.rows(MONTHS, each=600)
    came = made.pop(neutral.LABEL).map({0: "no", 1: "yes"})
    made.insert(0, "parcel_id", range(len(made)))
    made["came_back"] = came.where(made.index % 50 > 0)
    made["refund"] = made["price"].where(came == "yes")
    made["note"] = [f"please leave it at door number {number}" for number in range(len(made))]
    made["unit"] = "kg"
    path = tmp_path_factory.mktemp("table") / "parcels.csv"
    made.to_csv(path, index=False)
    return path


def run(capsys, *arguments):
    code = adopt.main([str(each) for each in arguments])
    return code, capsys.readouterr().out


def test_a_table_becomes_a_problem(table, tmp_path, capsys):
    code, said = run(capsys, table, "--name", "parcels", "--label", "came_back", "--into", tmp_path)
    assert code == Exit.DONE, said
    folder = tmp_path / "parcels"
    config = load(problem=folder)
    kinds = {feature.name: feature.kind for feature in config.problem.features}
    assert kinds["shop"] == kinds["country"] == Kind.CATEGORICAL
    assert (kinds["price"], kinds["weekday"], kinds["gift"]) == (Kind.NUMERIC, Kind.CYCLIC, Kind.FLAG)
    assert not {"parcel_id", "refund", "note", "unit"} & set(kinds)
    for reason in ("parcel_id: an identifier", "refund: there only where", "note: free text", "unit: constant: kg"):
        assert reason in said
    assert "1 is yes, 0 is no (sure)" in said
    assert "60 rows have no label" in said
    assert [path.name for path in sorted((folder / "spans").iterdir())] == MONTHS
    assert read(folder / "hyperparameters.json").members > 1
    Description.model_validate(tomllib.loads((folder / "card.toml").read_text()))
    assert set(json.loads((folder / "request.json").read_text())["instances"][0]) == set(kinds)
    assert "LightGBM with its defaults has AUC 0." in said
    assert not list(tmp_path.glob(".tmp-*"))

    before = (folder / "problem.toml").read_bytes()
    code, said = run(capsys, table, "--name", "parcels", "--label", "came_back", "--into", tmp_path)
    assert (code, "--force" in said) == (Exit.WRONG_SETTING, True)
    assert (folder / "problem.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (Exit.WRONG_SETTING, "Which column is predicted (--label)? It may be")),
        (["--label", "came"], (Exit.WRONG_SETTING, "there is no such column")),
        (["--label", "price >"], (Exit.WRONG_SETTING, "is not understood as SQL")),
        (
            ["--label", "CASE WHEN parcel_id < 9 THEN true ELSE CAST(shop AS INT) > 1 END AS dear"],
            (Exit.DATA_REJECTED, "DuckDB could not go on"),
        ),
        (["--label", "unit"], (Exit.DATA_REJECTED, "is kg in each row")),
        (["--label", "note"], (Exit.DATA_REJECTED, "Expected numbers, at most 19 texts")),
        (["--label", "came_back", "--date", "price"], (Exit.WRONG_SETTING, "is no time")),
        (["--label", "came_back", "--keep", "prize"], (Exit.WRONG_SETTING, "there is no column prize")),
        (["--label", "came_back", "--table", "t"], (Exit.WRONG_SETTING, "are for databases")),
    ],
)
def test_what_it_cannot_know_or_do_is_one_message_and_leaves_nothing(table, tmp_path, capsys, arguments, expected):
    found, said = run(capsys, table, "--name", "parcels", "--into", tmp_path, *arguments)
    code, message = expected
    assert (found, message in said) == (code, True), said
    assert not list(tmp_path.iterdir())
