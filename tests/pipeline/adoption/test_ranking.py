"""A column that knows the label is found; noise, identifiers and honest signals are not taken for one."""

import numpy as np
import pandas as pd
import pytest

from pipeline.adoption import ranking, tasks

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
    assert low <= tasks.BINARY.alone(values, LABEL) <= high


def test_a_column_is_held_against_classes_and_numbers_too():
    kind = pd.Series(RANDOM.choice(["a", "b", "c"], 4000))
    assert tasks.MULTICLASS.alone(kind.map({"a": "x", "b": "y", "c": "z"}), kind) > 0.999
    assert tasks.MULTICLASS.alone(NOISE, kind) < 0.55
    assert tasks.REGRESSION.alone(NOISE * 2 + 1, NOISE) > 0.98
    assert tasks.REGRESSION.alone(NOISE + RANDOM.normal(size=4000), NOISE) == pytest.approx(0.75, abs=0.03)
    assert tasks.REGRESSION.alone(pd.Series(RANDOM.normal(size=4000)), NOISE) < 0.55


def test_a_concordance_is_the_auc_of_two_labels():
    scores = NOISE + LABEL
    assert ranking.concordance(scores, LABEL) == pytest.approx(ranking.auc(scores, LABEL), abs=0.005)


def test_a_column_that_is_there_for_one_label_only_is_named():
    boat = pd.Series("A").repeat(4000).reset_index(drop=True).where((LABEL == 1) & (RANDOM.random(4000) < 0.3))
    assert ranking.one_way(boat, LABEL) == "there only where the label is 1: known only after it"
    assert ranking.one_way(NOISE.where(RANDOM.random(4000) < 0.3), LABEL) == ""
    assert ranking.one_way(boat.where(boat.index < 100), LABEL) == "", "a few rows are chance"


def test_a_sample_is_looked_at_column_by_column():
    alone, ways = ranking.known(pd.DataFrame({"label": LABEL, "noise": NOISE, "copy": LABEL}), "label", tasks.BINARY)
    assert set(alone) == {"noise", "copy"}
    assert alone["copy"] == pytest.approx(1) and not ways


def test_parts_of_a_sum_are_found_and_nothing_else():
    parts = pd.DataFrame(
        {name: RANDOM.gamma(2, size, 4000) for name, size in (("fare", 9), ("tip", 2), ("toll", 0.3), ("miles", 3))}
    )
    parts["fare"] += parts["miles"]
    total = parts["fare"] + parts["tip"] + parts["toll"]
    assert sorted(ranking.summands(parts, total)) == ["fare", "tip", "toll"]
    assert ranking.summands(parts, total / 1.19 - 3) == ranking.summands(parts, total), "in another unit"
    assert ranking.summands(parts, total + RANDOM.normal(size=4000)) == [], "a good model is no sum"
    assert ranking.summands(
        parts.assign(tip=parts["tip"].where(parts["tip"] > 1)), total.where(parts["tip"] > 1, total - parts["tip"])
    )
    assert ranking.summands(parts[["miles"]], total) == []
    assert ranking.summands(parts[:9], total[:9]) == [], "of a few rows anything is a sum"
