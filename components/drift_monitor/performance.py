"""Find label, prediction and concept drift from the newest span's labels and production's scores. Pure NumPy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats  # type: ignore[import-untyped]
from scipy.special import rel_entr  # type: ignore[import-untyped]

from components.shared.drift_report import Check, checked
from components.shared.scored_rows import INTERVAL, ScoredRows
from components.shared.tasks import COVERED, Task

JENSEN_SHANNON = "Jensen-Shannon divergence"


@dataclass(frozen=True)
class ModelLimits:
    """The smallest differences that count; an interval must lie beyond its limit as a whole."""

    label: float  # change of the share of positives, or of a class
    prediction: float  # Jensen-Shannon divergence of the answers' histograms, in bits
    shift: float  # of the mean label and answer, in standard deviations of the label
    auc: float  # loss
    log_loss: float  # rise, in nats
    calibration: float  # how much farther from 1 predicted over observed positives are
    accuracy: float  # loss
    rmse: float  # rise, as a share
    coverage: float  # how much fewer labels than promised are in the intervals of predictions


def label(positives: float, rows: int, reference: float, reference_rows: int, limit: float) -> Check:
    """Compare shares of positives; the interval is the normal one for a difference of two shares, with independent rows."""
    share = positives / rows
    error = 1.96 * np.sqrt(share * (1 - share) / rows + reference * (1 - reference) / reference_rows)
    fires = abs(share - reference) - error > limit
    return checked(
        fires,
        f"{share:.1%} of labels are positive, in training {reference:.1%}; limit {limit:.1%} apart",
        kind="label",
        measure="share of positives",
        value=share,
        reference=reference,
        interval=(share - error, share + error),
        limit=limit,
    )


def prediction(scores: np.ndarray, reference: list[float], limit: float) -> Check:
    """Compare the histogram of scores, of shape [rows], with the published one: rows in equally wide buckets of [0, 1]."""
    counts, _ = np.histogram(scores, bins=len(reference), range=(0, 1))
    return divergence(counts, np.asarray(reference), limit)


def divergence(counts: np.ndarray, reference: np.ndarray, limit: float) -> Check:
    """Compare two histograms of the model's answers over the same buckets, or classes."""
    value = jensen_shannon(reference, counts)
    reason = f"the model's scores are distributed differently: {JENSEN_SHANNON} {value:.4f}, limit {limit:g}"
    return checked(value >= limit, reason, kind="prediction", measure=JENSEN_SHANNON, value=value, limit=limit)


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """Return the divergence, 0 to 1 bits, of two histograms over the same buckets (Lin 1991)."""
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return max(0.0, float(rel_entr([p, q], middle).sum() / 2 / np.log(2)))


def normal(comparisons: int) -> float:
    """Return how many standard errors a 95 % interval has to either side, for several comparisons at once (Bonferroni)."""
    return float(stats.norm.ppf(1 - 0.025 / comparisons))


def concept(
    task: Task, scored: ScoredRows, reference: dict[str, float], reference_rows: int, limits: ModelLimits
) -> list[Check]:
    """Compare production's metrics on the newest span with those that it was published with.

    A metric without a value is not compared. The reference's rows vary as much as the new ones, so the new ones' bootstrap
    interval is widened to that of a difference. `reference` has the metrics by TFMA's names.
    """
    measured, draws = scored.metrics(), scored.draws()
    checks = []
    for key, setting in task.drift.items():
        metric, limit = task.metric(key), getattr(limits, setting)
        name = metric.name
        value, before = measured[name], reference.get(key)
        if before is None or not np.isfinite(value):
            continue  # one class only, now or when published: there is no such metric
        low, high = _of_difference(value, draws[name], len(scored.labels), reference_rows)
        fires = {
            "higher": high < before - limit,
            "lower": low > (before * (1 + limit) if metric.in_unit else before + limit),
            "nearer 1": max(low - 1, 1 - high) > abs(before - 1) + limit,
        }[metric.better]
        words = f"{name} of the model in production is {value:.4f} ({low:.4f} to {high:.4f}), was {before:.4f} when published"
        figures = {"measure": name, "value": value, "reference": before, "interval": (low, high), "limit": limit}
        worse = f"{limit:.1%}" if metric.in_unit else f"{limit:g}"
        checks.append(checked(fires, f"{words}; limit {worse} worse", "decayed", kind="concept", **figures))
    return checks


def coverage(scored: ScoredRows, ends: tuple[float, float], reference_rows: float, limit: float) -> Check:
    """Check whether the labels of the newest span lie in the intervals of predictions as often as they should.

    Args:
        scored: labels and predictions of the span.
        ends: what an interval adds to a prediction, below and above.
        reference_rows: that these were made from; their coverage varies too, so the interval is widened as in `concept`.
        limit: how far below `COVERED` the share of labels within may be.
    """
    errors = scored.labels.astype("float64") - scored.scores
    within = (errors >= ends[0]) & (errors <= ends[1])
    share = float(within.mean())
    low, high = _of_difference(share, scored.mean_draws(within), len(within), reference_rows)
    reason = f"{share:.1%} of labels are in the interval of their prediction, made for {COVERED:.0%}; limit {limit:.1%} fewer"
    figures: dict[str, Any] = {"value": share, "reference": COVERED, "interval": (low, high), "limit": limit}
    return checked(high < COVERED - limit, reason, "decayed", kind="concept", measure="coverage", **figures)


def _of_difference(value: float, draws: np.ndarray, rows: int, reference_rows: float) -> tuple[float, float]:
    """Widen the bootstrap interval of a value of `rows` to that of its difference from one of `reference_rows`."""
    wider = np.sqrt(1 + rows / reference_rows)
    low, high = (float(value + wider * (end - value)) for end in np.nanpercentile(draws, INTERVAL))
    return low, high
