"""A column that knows the label is found; noise, identifiers and honest signals are not taken for one."""

import numpy as np
import pandas as pd
import pytest

from pipeline.adoption import ranking

RANDOM = np.random.default_rng(1)
LABEL = pd.Series(RANDOM.integers(0, 2, 4000))
NOISE = pd.Series(RANDOM.normal(size=4000))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (LABEL.map({0: "kept", 1: "returned"}), 0.999, 1),
        (NOISE, 0.5, 0.56),
        (NOISE + LABEL, 0.7, 0.85),
        (NOISE.where(LABEL == 0), 0.999, 1),
        ((NOISE.abs() + 1) * LABEL, 0.99, 1),
        (pd.Series(range(4000)).astype(str), 0.5, 0.5),
        (pd.Series([None] * 4000, dtype="object"), 0.5, 0.5),
    ],
    ids=["copy", "noise", "signal", "missing for one", "zero for one", "identifier", "missing"],
)
def test_how_well_a_column_alone_ranks(values, low, high):
    assert low <= ranking.alone_auc(values, LABEL) <= high


def test_a_column_that_is_there_for_one_label_only_is_named():
    boat = pd.Series("A").repeat(4000).reset_index(drop=True).where((LABEL == 1) & (RANDOM.random(4000) < 0.3))
    assert ranking.one_way(boat, LABEL) == "there only where the label is 1: known only after it"
    assert ranking.one_way(NOISE.where(RANDOM.random(4000) < 0.3), LABEL) == ""
    assert ranking.one_way(boat.where(boat.index < 100), LABEL) == "", "a few rows are chance"


def test_a_sample_is_looked_at_column_by_column():
    alone, ways = ranking.known(pd.DataFrame({"label": LABEL, "noise": NOISE, "copy": LABEL}), "label")
    assert set(alone) == {"noise", "copy"}
    assert alone["copy"] == pytest.approx(1) and not ways
