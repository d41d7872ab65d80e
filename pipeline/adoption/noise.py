"""How far figures of two samples of one distribution are apart by chance. Pure functions of numbers of rows."""

import math

from pipeline.adoption.periods import Split

DEVIATIONS = 3  # of sampling noise, within which a difference is none


def up(value: float) -> float:
    """Round up to a thousandth."""
    return math.ceil(value * 1000) / 1000


def deviation(share: float, rows: int) -> float:
    """Estimate the standard deviation of a share in so many rows; near 0 and 1, as if it were a hundredth."""
    held = min(max(share, 0.01), 0.99)
    return math.sqrt(held * (1 - held) / max(rows, 1))


def difference(share: float, rows: int, other: int) -> float:
    """Estimate DEVIATIONS of the difference of a share between so many rows and so many others of one distribution."""
    return DEVIATIONS * math.hypot(deviation(share, rows), deviation(share, other))


def divergence(buckets: int, rows: int, other: int) -> float:
    """Estimate the Jensen-Shannon divergence that histograms of two samples of one distribution hardly ever exceed, in bits.

    It is about (k - 1) / (8 ln 2) (1 / n + 1 / m) in k buckets, the expectation of its chi-squared approximation (Grosse et al.
    2002, "Analysis of symbolic sequences using the Jensen-Shannon divergence"); DEVIATIONS of that are added.
    """
    mean = (buckets - 1) / (8 * math.log(2)) * (1 / max(rows, 1) + 1 / max(other, 1))
    return mean * (1 + DEVIATIONS * math.sqrt(2 / (buckets - 1)))


def auc_deviation(split: Split) -> float:
    """Estimate the standard deviation of an AUC near 0.8: 0.29 over the root of the rarer label's rows.

    Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve", at equal shares and AUC 0.8.
    """
    return 0.29 / math.sqrt(max(1, min(split.rare, split.rows - split.rare)))
