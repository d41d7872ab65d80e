"""A column is described as it is, whatever its type, and under a name that a signature can have."""

import numpy as np
import pandas as pd
import pytest

from components.shared.errors import BadData
from pipeline.adoption import profiles, source


@pytest.fixture
def profiled(tmp_path):
    con = source.connect(tmp_path)

    def profile(rows):
        con.register("rows", pd.DataFrame(rows))
        con.execute("CREATE OR REPLACE TABLE given AS FROM rows")
        old_names = profiles.clean(con)
        return {each.name: each for each in profiles.profile(con)}, old_names

    yield profile
    con.close()


def test_each_type_has_its_facts(profiled):
    found, _ = profiled(
        {
            "size": [1, 2, 2, 9],
            "price": [1.5, np.nan, np.inf, 2.5],
            "shop": ["a b", "", "c", None],
            "at": pd.to_datetime(["2024-01-01 10:00", None, "2024-01-02 00:00", "2024-01-03 00:00"]),
            "gift": [True, False, True, True],
        }
    )
    assert {name: each.type for name, each in found.items()} == {
        "size": "integer",
        "price": "number",
        "shop": "text",
        "at": "time",
        "gift": "flag",
    }
    assert (found["size"].low, found["size"].high, found["size"].top[0]) == (1, 9, ("2", 2))
    assert found["price"].missing == 2, "NaN and infinity are missing"
    assert found["shop"].missing == 2, "so is an empty text"
    assert found["at"].has_time and found["at"].missing == 1
    assert dict(found["gift"].top) == {"true": 3, "false": 1}


def test_names_become_those_of_a_signature(profiled):
    found, old_names = profiled({"Net Weight": [1], "2nd": [2], "net_weight": [3]})
    assert list(found) == ["Net_Weight", "c_2nd", "net_weight_2"]
    assert old_names == {"Net_Weight": "Net Weight", "c_2nd": "2nd", "net_weight_2": "net_weight"}


def test_names_that_no_input_can_have_are_changed():
    assert profiles.renamed(["class", "self", "größe.x y", "", "x" * 130]) == [
        "class_",
        "self_",
        "gro_e_x_y",
        "column",
        "x" * 80,
    ]
    assert profiles.renamed(["income", "income_missing"]) == ["income", "income_missing_2"]
    assert profiles.renamed(["Age_missing", "age"]) == ["Age_missing", "age_2"]


def test_more_columns_than_a_span_may_have_are_refused(profiled, monkeypatch):
    monkeypatch.setattr(profiles, "MAX_COLUMNS", 3)
    with pytest.raises(BadData, match="has 4 columns; expected at most 3"):
        profiled({f"c{number}": [1] for number in range(4)})


def test_many_columns_are_described(profiled, monkeypatch):
    monkeypatch.setattr(profiles, "COLUMNS", 7)
    found, _ = profiled({f"c{number}": [number, number + 1] for number in range(30)})
    assert [found[f"c{number}"].low for number in range(30)] == list(range(30))
