"""Numbers of which float32 keeps too few digits are named, with what keeps them."""

import numpy as np
import pandas as pd
import pytest

from pipeline.adoption import digits, tasks

RANDOM = np.random.default_rng(1).normal(0, 1, 1000)


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (1e9 + 50 * RANDOM, 64.0),
        (-1e9 + 50 * RANDOM, 64.0),
        (1e9 + 1e7 * RANDOM, 0.0),
        (100 + 20 * RANDOM, 0.0),
        (np.full(1000, 1e9), 0.0),
        (np.full(1000, np.nan), 0.0),
        (np.zeros(1000), 0.0),
        (np.array([1e300, 1.0]), 0.0),
    ],
    ids=str,
)
def test_the_step_of_float32_where_it_is_too_wide(values, step):
    assert digits.step(pd.Series(values), digits.STEPS) == step


def test_a_label_is_told_with_sql_that_keeps_its_digits():
    values = pd.Series(1e9 + np.round(50 * RANDOM))
    found = tasks.REGRESSION.lost_digits("price", values)
    assert "it keeps these numbers to 64 only" in found
    assert '--label "price - 1000000000 AS difference" keeps more.' in found
    assert '--label "(paid + tip) - 1000000000 AS difference"' in tasks.REGRESSION.lost_digits("paid + tip", values)
    assert tasks.REGRESSION.lost_digits("price", values - 1e9) == ""
    assert tasks.BINARY.lost_digits("price", values) == ""


def test_a_feature_may_have_fewer_steps_than_the_label():
    degrees = pd.Series(-87.65 + 0.05 * RANDOM)
    assert digits.step(degrees, digits.STEPS) > 0
    assert digits.of_feature(degrees) == ""
    assert digits.of_feature(pd.Series(1e9 + 50 * RANDOM)).startswith("float32 keeps it to 64 only")
