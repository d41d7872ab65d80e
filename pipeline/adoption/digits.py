"""Find numbers of which float32, in which models compute, loses digits: large ones that differ by little. Pure functions."""

import math

import numpy as np
import pandas as pd

STEPS = 10_000  # of float32 in a standard deviation of the label, below which its digits are lost
STEPS_OF_A_FEATURE = 100  # the same of a feature, of which less has to be told apart


def step(values: pd.Series, least: int) -> float:
    """Return the distance of neighbouring float32 at the largest value, if a standard deviation has fewer than `least`; or 0.

    >>> step(pd.Series([1e9, 1e9 + 10, 1e9 + 20]), STEPS), step(pd.Series([0.0, 10.0, 20.0]), STEPS)
    (64.0, 0.0)
    """
    numbers = pd.to_numeric(values, errors="coerce").dropna().to_numpy("float64")
    largest = np.abs(numbers).max(initial=0.0)
    if not 0 < largest < np.finfo(np.float32).max:
        return 0.0
    spacing = float(np.spacing(np.float32(largest)))
    return spacing if 0 < numbers.std() < least * spacing else 0.0


def of_label(sql: str, values: pd.Series) -> str:
    """Say that digits of the label are lost, and which SQL keeps them; empty if none that matter are.

    Args:
        sql: what the label is: its column, or an expression.
        values: of it, as the table has them.
    """
    if not (found := step(values, STEPS)):
        return ""
    offset = round(values.median(), -math.ceil(math.log10(values.std())))  # as round as the values allow
    plain = sql if sql.isidentifier() else f"({sql})"
    return (
        f"float32 holds about seven digits: it keeps these numbers to {found:.4g} only, and their standard deviation is "
        f'{values.std():.4g}. --label "{plain} - {offset:.15g} AS difference" keeps more.'
    )


def of_feature(values: pd.Series) -> str:
    """Say that digits of a feature are lost; empty if none that matter are."""
    if not (found := step(values, STEPS_OF_A_FEATURE)):
        return ""
    return (
        f"float32 keeps it to {found:.4g} only, and its standard deviation is {values.std():.4g}: "
        "subtract what all values have in common in the table"
    )
