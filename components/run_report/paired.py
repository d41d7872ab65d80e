"""Bound a figure, and the difference of two models' figures on the same rows, by a bootstrap of whole days."""

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from components.run_report.facts import Better, Comparison
from components.shared.scored_rows import INTERVAL

FEWEST = 3  # blocks: of fewer nothing can be said
NORMAL = 1.96


def interval(value: float, draws: np.ndarray, blocks: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a figure; None if its draws have no values, or there are too few blocks.

    The bootstrap's interval is too narrow with few blocks, so it is widened around the figure as that of a mean of as many days
    would be (Student's t, and a variance over one block less; Cameron, Gelbach and Miller 2008).

    Args:
        value: the figure.
        draws: of the bootstrap, shape [draws].
        blocks: how many were drawn from.
    """
    known = draws[np.isfinite(draws)]
    if not len(known) or blocks < FEWEST:
        return None
    wider = stats.t.ppf(INTERVAL[1] / 100, blocks - 1) / NORMAL * np.sqrt(blocks / (blocks - 1))
    low, high = (float(value + wider * (end - value)) for end in np.percentile(known, INTERVAL))
    return low, high


def verdict(
    better: Better, candidate: np.ndarray, production: np.ndarray, values: tuple[float, float], blocks: int
) -> Comparison:
    """Compare the candidate's figure with production's; "undecided" where the interval of the gain holds zero.

    Args:
        better: which figures are better.
        candidate, production: draws of both on the same samples.
        values: both figures.
        blocks: how many were drawn from.
    """
    found = interval(float(gain(better, *values)), gain(better, candidate, production), blocks)
    if found is None or found[0] <= 0 <= found[1]:
        return "undecided"
    return "better" if found[0] > 0 else "worse"


def gain(better: Better, candidate, production):
    """Return by how much the candidate's figure is better; of numbers, or of arrays."""
    if better == "nearer 1":
        return np.abs(production - 1) - np.abs(candidate - 1)
    return candidate - production if better == "higher" else production - candidate
