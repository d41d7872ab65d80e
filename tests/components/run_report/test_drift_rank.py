"""Checks of different measures stand beside each other by how far they are from their limits."""

import math

import pytest

from components.run_report.drift_rank import ratio, worst_by_feature, worst_first
from components.shared.drift_report import Check
from tests.components.run_report import parts


@pytest.mark.parametrize(
    ("measure", "value", "reference", "limit", "expected"),
    [
        ("L-infinity", 0.03, None, 0.02, 1.5),
        ("share of positives", 0.22, 0.24, 0.01, 2),
        ("AUC", 0.68, 0.70, 0.01, 2),
        ("AUC", 0.72, 0.70, 0.01, 0),  # better than it was
        ("log loss", 0.45, 0.43, 0.01, 2),
        ("log loss", 0.40, 0.43, 0.01, 0),
        ("calibration", 0.7, 1.1, 0.1, 2),
        ("calibration", 0.95, 1.1, 0.1, 0),
        ("missing share", 0.1, None, 0, math.inf),
        ("missing share", 0, None, 0, 0),
    ],
)
def test_the_ratio_is_the_change_for_the_worse_over_the_limit(measure, value, reference, limit, expected):
    check = Check(kind="data", feature="x", measure=measure, value=value, reference=reference, limit=limit, verdict="stable")
    assert ratio(check) == pytest.approx(expected)


def test_decayed_comes_before_drifted_and_drifted_before_stable():
    ranked = worst_first(parts.drift().checks)
    verdicts = [check.verdict for check in ranked]
    assert verdicts == sorted(verdicts, key=["decayed", "drifted", "stable"].index)
    drifted = [ratio(check) for check in ranked if check.verdict == "drifted"]
    assert drifted == sorted(drifted, reverse=True)


def test_a_feature_has_one_worst_check_and_the_model_none():
    worst = worst_by_feature(parts.drift().checks)
    assert set(worst) == {"shop", *parts.NUMBERS}
    assert worst["shop_share"].measure == "Jensen-Shannon divergence"
