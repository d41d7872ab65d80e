"""`python -m pipeline.adopt`: from a table to a problem's folder that configuration, schema check and card accept."""

import json
import re
import sys
import tomllib

import pandas as pd
import pytest
from conftest import REPOSITORY

from components.publisher.model_card import Description
from components.shared import table_columns
from components.shared.errors import Exit, OtherColumns
from pipeline import adopt
from pipeline.adoption import decisions
from pipeline.config import load
from pipeline.model.hyperparameters import read
from pipeline.problem import Kind
from tests import neutral
from tests.terminals import COLOUR, in_terminal

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
        (
            [],
            (
                Exit.WRONG_SETTING,
                "Which column is predicted (--label NAME, or SQL)? It may be gift, came_back, ",
            ),
        ),
        (["--label", "came_back", "--keep", "unit"], (Exit.WRONG_SETTING, "--keep unit: it is kg in each row")),
        (["--label", "came_back", "--leave-out", "came_back"], (Exit.WRONG_SETTING, "--leave-out came_back: it is the label")),
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


def test_the_only_column_of_two_values_is_no_label_unless_it_is_named_like_one(table, tmp_path, capsys):
    rows = pd.read_csv(table).drop(columns=["gift", "refund"])
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    into = ["--name", "parcels", "--into", tmp_path]
    code, said = run(capsys, tmp_path / "parcels.csv", *into)
    assert (code, "(--label NAME, or SQL)? It may be came_back, distance, price, " in said) == (Exit.WRONG_SETTING, True), said
    rows.rename(columns={"came_back": "outcome"}).to_csv(tmp_path / "parcels.csv", index=False)
    code, said = run(capsys, tmp_path / "parcels.csv", *into)
    assert code == Exit.DONE, said
    label = "binary, 1 is yes, 0 is no (named like a label; another: --label NAME)"
    assert f"Label      outcome: {label};" in said
    assert decisions.read(tmp_path / "parcels").label == label


def test_a_class_that_only_the_newest_rows_have_may_be_absent(table, tmp_path, capsys):
    rows = pd.read_csv(table).assign(kind=lambda made: made["shop"])
    rows.loc[rows["shop"] == "stamps", "kind"] = "books"
    newest = rows["day"] >= "2024-05-10"
    rows.loc[newest & (rows.index % 9 == 0), "kind"] = "brand new"
    rows.loc[[0, 900], "kind"] = "odd"
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    arguments = ["--name", "parcels", "--label", "kind", "--into", tmp_path]
    code, said = run(capsys, tmp_path / "parcels.csv", *arguments)
    assert code == Exit.DONE, said
    assert "; without odd (2 rows), of fewer than 20 (sure)" in said
    assert "brand new is not in the rows to train of 1 of 2 windows, which gate.may_be_absent allows." in said
    config = load(problem=tmp_path / "parcels")
    assert config.gate.may_be_absent == ["brand new"]
    assert "brand new" in config.problem.target.classes


def test_what_tells_the_time_is_left_out_or_looked_at_also_where_nobody_wants_a_date(table, tmp_path, capsys):
    rows = pd.read_csv(table)
    days = pd.to_datetime(rows["day"])
    rows.assign(batch=(days - days.min()).dt.days, year=days.dt.year + rows.index % 2).to_csv(tmp_path / "a.csv", index=False)
    arguments = ["--name", "parcels", "--label", "came_back", "--date", "none", "--into", tmp_path]
    code, said = run(capsys, tmp_path / "a.csv", *arguments)
    assert code == Exit.DONE, said
    assert "batch: it goes with the time: in 100% of the months nearly all its values are new" in said
    assert "year: numeric, by its name it tells when a row is from" in said


def test_which_columns_of_the_table_the_inputs_are_is_kept_for_who_asks_with_its_rows(table, tmp_path, capsys):
    rows = pd.read_csv(table).rename(columns={"shop": "class", "price": "Net price"})
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    code, said = run(capsys, tmp_path / "parcels.csv", "--name", "parcels", "--label", "came_back", "--into", tmp_path)
    assert code == Exit.DONE, said
    inputs = load(problem=tmp_path / "parcels").problem.columns
    found = table_columns.hint(tmp_path / "parcels", inputs)
    assert found == (
        f"One row as it has to be is in {tmp_path}/parcels/request.json. "
        "From the columns of its table: class_ is class; Net_price is Net price."
    )
    assert table_columns.hint(tmp_path / "parcels", ["distance"]) == "", "another problem's model"
    assert table_columns.hint(tmp_path, inputs) == "", "no folder of a problem"
    known = pytest.raises(OtherColumns, match=r"^No shop. One row as it has to be is in .*class_ is class")
    with known, table_columns.explained(tmp_path / "parcels"):
        raise OtherColumns("No shop.", inputs)


@pytest.mark.parametrize("columns", [80, 60])
def test_on_a_terminal_lines_break_between_words_and_what_follows_is_indented(table, tmp_path, columns):
    command = [sys.executable, "-m", "pipeline.adopt", str(table), "--name", "parcels", "--label", "came_back"]
    seen = in_terminal([*command, "--into", str(tmp_path)], columns=columns, cwd=REPOSITORY)
    assert seen.code == Exit.DONE, seen.text
    wide = [line for line in seen.raw.splitlines() if len(COLOUR.sub("", line)) > columns]
    assert all(str(tmp_path) in line for line in wide), "only a path is wider"
    at = next(number for number, line in enumerate(seen.screen) if line.startswith("Label      came_back: binary"))
    assert re.match(r" {11}\S", seen.screen[at + 1])
    assert re.match("Spans", next(line for line in seen.screen[at:] if not line.startswith(("Label", " "))))


def test_at_a_terminal_the_label_is_asked_for(table, tmp_path):
    command = [sys.executable, "-m", "pipeline.adopt", str(table), "--name", "parcels", "--into", str(tmp_path)]
    seen = in_terminal(command, until="(--label NAME, or SQL)?", cwd=REPOSITORY)
    assert seen.code == Exit.INTERRUPTED, seen.text
    assert "It may be gift, came_back,\ndistance, price" in seen.text
    assert not list(tmp_path.iterdir())


def test_at_a_terminal_any_answer_is_taken_for_the_label(monkeypatch, capsys):
    """A name as it is in the file, SQL, and no answer is asked again: two values alone are no label."""
    given = iter(["", "paid > 100 AS [large]", "b"])
    monkeypatch.setattr(adopt.sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda *_: next(given))
    assert adopt.ask("Which (--label)?", ["gift", "[paid]"], "") == "paid > 100 AS [large]"
    assert capsys.readouterr().out.count("Which (--label)? It may be gift, [paid]") == 2
    assert adopt.ask("Which (--date)?", ["a", "b"], "a") == "b"
