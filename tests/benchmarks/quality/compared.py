"""The figures of answers for months: their metrics, who is first, and whether the distance is more than days' noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from components.shared.scored_rows import BUCKETS, DRAWS, INTERVAL, NEAREST, Scored, auc

NETWORK = "network"  # what the others are compared with
HIGHER, LOWER = ("AUC", "average precision"), ("log loss", "ECE")  # is better
METRICS = [*HIGHER, *LOWER]
BINS = 15
SEED = 0


@dataclass(frozen=True)
class Month:
    """The rows of a month that no model has seen, and each model's probabilities for them, by its name."""

    labels: np.ndarray
    days: np.ndarray  # a number for the day of each row
    answers: dict[str, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """How much a mean over the months is above the network's, and the bootstrap's interval of it."""

    mean: float
    low: float
    high: float

    @property
    def is_noise(self) -> bool:
        """Whether the days of the months alone could make it."""
        return self.low <= 0 <= self.high

    def __str__(self) -> str:
        return f"{self.mean:+.4f} ({self.low:+.4f} to {self.high:+.4f})"


def measure(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Compute each metric of probabilities of 1."""
    probabilities = np.clip(probabilities.astype("float64"), NEAREST, 1 - NEAREST)
    values = (
        roc_auc_score(labels, probabilities),
        average_precision_score(labels, probabilities),
        log_loss(labels, probabilities),
        expected_calibration_error(labels, probabilities),
    )
    return dict(zip(METRICS, map(float, values), strict=True))


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the mean distance of the share of positives from the mean probability, over BINS bins of equally many rows."""
    bins = np.array_split(np.argsort(probabilities, kind="stable"), BINS)
    return float(sum(abs(labels[rows].mean() - probabilities[rows].mean()) * len(rows) for rows in bins) / len(labels))


def firsts(results: pd.DataFrame) -> pd.DataFrame:
    """Count the months in which each model is first, by metric; those who share the best value are all first."""
    counts = {}
    for metric in METRICS:
        months = results.pivot_table(index="month", columns="model", values=metric)
        best = months.max(axis=1) if metric in HIGHER else months.min(axis=1)
        counts[metric] = months.eq(best, axis=0).sum()
    return pd.DataFrame(counts)


def differences(months: Sequence[Month]) -> dict[str, dict[str, Difference]]:
    """Compare each model with the network, by the mean over the months of AUC and of log loss.

    The days of each month are drawn with replacement, the same days for every model.

    Returns:
        Metric -> model -> its difference; the network has none.
    """
    random, totals = np.random.default_rng(SEED), {}
    for month in months:
        blocks = {name: Scored(month.labels, answers, month.days).blocks for name, answers in month.answers.items()}
        days = len(np.unique(month.days))
        counts = random.multinomial(days, np.full(days, 1 / days), DRAWS)
        samples = np.vstack([np.ones(days), counts])  # the month as it was, and the draws
        for name, sums in blocks.items():
            for metric, values in drawn(samples @ sums).items():
                totals[metric, name] = totals.get((metric, name), 0) + values
    found: dict[str, dict[str, Difference]] = {}
    for (metric, name), total in totals.items():
        if name != NETWORK:
            mean, *draws = (total - totals[metric, NETWORK]) / len(months)
            found.setdefault(metric, {})[name] = Difference(float(mean), *map(float, np.percentile(draws, INTERVAL)))
    return found


def drawn(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Compute AUC and log loss of rows of `Scored`'s sums."""
    negatives, positives = sums[:, :BUCKETS], sums[:, BUCKETS : 2 * BUCKETS]
    rows = (negatives + positives).sum(axis=1)
    return {"AUC": auc(negatives, positives), "log loss": sums[:, 2 * BUCKETS] / rows}


def verdict(metric: str, found: dict[str, Difference]) -> str:
    """Say whether the network is first by a metric, within the noise of the first, or behind it."""
    sign = 1 if metric in HIGHER else -1
    name, first = max(found.items(), key=lambda item: sign * item[1].mean)
    if sign * first.mean <= 0:
        noise = [other for other, difference in found.items() if difference.is_noise]
        return f"{metric}: the network is first" + (f", and within the noise of it: {', '.join(noise)}." if noise else ".")
    place = "within the noise of it" if first.is_noise else "behind it by more than noise"
    return f"{metric}: {name} is first, by {first}; the network is {place}."
