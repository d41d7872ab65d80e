import math

import numpy as np

from components.shared.phone import awkward_rows
from components.shared.phone.card import FeatureCard

FEATURES = [
    FeatureCard(name="depot", kind="categorical", dtype="string", values=["ORY", "CDG"]),
    FeatureCard(name="price", kind="numeric", dtype="float32", optional=True, minimum=-40, maximum=130),
    FeatureCard(name="weight", kind="numeric", dtype="float32", optional=True),
    FeatureCard(name="height", kind="numeric", dtype="float32", optional=True),
    FeatureCard(name="express", kind="flag", dtype="int64", minimum=0, maximum=1),
]
REAL = {  # the second row is whole
    "depot": np.array([b"", b"MRS", b"NCE"], object),
    "price": np.array([50, 60, np.nan], "float32"),
    "weight": np.array([np.nan, 70, 80], "float32"),
    "height": np.array([1, 2, 3], "float32"),
    "express": np.array([1, 0, 0], "int64"),
}
ROWS = awkward_rows.make(FEATURES, REAL)


def row(name: str) -> dict:
    """The row of which that is odd."""
    return {feature: column[ROWS.names.index(name)] for feature, column in ROWS.columns.items()}


def missing(name: str) -> set[str]:
    """The numbers that the row lacks."""
    return {feature for feature, value in row(name).items() if isinstance(value, np.floating) and math.isnan(value)}


def test_each_row_has_its_name():
    assert {len(column) for column in ROWS.columns.values()} == {len(ROWS.names)} == {len(set(ROWS.names))}
    assert [ROWS.columns[feature.name].dtype for feature in FEATURES] == [REAL[feature.name].dtype for feature in FEATURES]


def test_every_category_and_unknown_ones_and_every_end():
    assert {b"ORY", b"CDG", b"", "東京".encode(), b"ory"} <= set(ROWS.columns["depot"])
    assert {-41.0, -40.0, -39.0, 129.0, 130.0, 131.0, 1e6, -1e6} <= set(ROWS.columns["price"].tolist())
    assert {-1, 0, 1, 2, 2**62, -(2**62)} == set(ROWS.columns["express"].tolist())


def test_infinity_and_what_is_nearly_that_in_every_number():
    for name in ("price", "weight", "height"):
        assert {np.float32(1e30), np.float32(-1e30), np.inf, -np.inf} <= set(ROWS.columns[name])
    assert [row("every number inf")[name] for name in ("price", "weight", "height")] == [np.inf] * 3


def test_each_value_is_missing_by_itself_and_with_each_other_that_may_be():
    assert row("depot missing")["depot"] == b""
    assert [missing(f"{name} missing") for name in ("price", "weight", "height")] == [{"price"}, {"weight"}, {"height"}]
    assert missing("price and weight missing") == {"price", "weight"}
    assert missing("weight and height missing") == {"weight", "height"}
    assert missing("all that is optional missing") == {"price", "weight", "height"}
    assert row("all that is optional missing")["depot"] == b"MRS"
    assert (row("everything missing")["depot"], row("everything missing")["express"]) == (b"", 0)


def test_the_real_row_that_has_most_is_changed_and_the_rows_given_stay():
    assert row("price missing") | {"price": 0} == {"depot": b"MRS", "price": 0, "weight": 70, "height": 2, "express": 0}
    assert REAL["height"].tolist() == [1, 2, 3]
