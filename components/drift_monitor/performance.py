"""Find label, prediction and concept drift from the newest span's labels and production's scores. Pure NumPy."""

from dataclasses import dataclass

import numpy as np

from components.shared.drift_report import Check
from components.shared.scored_rows import INTERVAL, Scored


@dataclass(frozen=True)
class ModelLimits:
    """The smallest differences that count; an interval must lie beyond its limit as a whole.

    Attributes:
        label: change of the share of positives.
        prediction: Jensen-Shannon divergence of the scores' histograms, in bits.
        auc: loss of AUC.
        log_loss: rise of the log loss, in nats.
        calibration: how much farther from 1 predicted over observed positives are.
    """

    label: float
    prediction: float
    auc: float
    log_loss: float
    calibration: float


def label(positives: float, rows: int, reference: float, reference_rows: int, limit: float) -> Check:
    """Compare shares of positives; the interval is the normal one for a difference of two shares, with independent rows."""
    share = positives / rows
    error = 1.96 * np.sqrt(share * (1 - share) / rows + reference * (1 - reference) / reference_rows)
    fires = abs(share - reference) - error > limit
    return Check(
        kind="label",
        feature="",
        measure="share of positives",
        value=share,
        reference=reference,
        interval=(share - error, share + error),
        limit=limit,
        verdict="drifted" if fires else "stable",
        reason=f"{share:.1%} of labels are positive, in training {reference:.1%}; limit {limit:.1%} apart" if fires else "",
    )


def prediction(scores: np.ndarray, reference: list[float], limit: float) -> Check:
    """Compare the histogram of scores with the published one.

    Args:
        scores: shape [rows], 0 to 1.
        reference: rows in each of equally wide buckets of [0, 1].
        limit: see `ModelLimits`.
    """
    counts, _ = np.histogram(scores, bins=len(reference), range=(0, 1))
    value = jensen_shannon(np.asarray(reference), counts)
    fires = value >= limit
    words = f"the model's scores are distributed differently: Jensen-Shannon divergence {value:.4f}, limit {limit:g}"
    return Check(
        kind="prediction",
        feature="",
        measure="Jensen-Shannon divergence",
        value=value,
        limit=limit,
        verdict="drifted" if fires else "stable",
        reason=words if fires else "",
    )


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """Return the divergence, 0 to 1 bits, of two histograms over the same buckets (Lin 1991)."""
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2

    def entropy_to_middle(part: np.ndarray) -> float:
        present = part > 0
        return float((part[present] * np.log2(part[present] / middle[present])).sum())

    return max(0.0, (entropy_to_middle(p) + entropy_to_middle(q)) / 2)


def concept(scored: Scored, reference: dict[str, float], reference_rows: int, limits: ModelLimits) -> list[Check]:
    """Compare production's metrics on the newest span with those that it was published with.

    Args:
        scored: the newest span under the model in production.
        reference: its metrics at publication: AUC, log loss, calibration; one without a value is not compared.
        reference_rows: rows that these were measured on. They vary as much as the new ones, so the new ones' bootstrap
            interval is widened to that of a difference.
        limits: see `ModelLimits`.
    """
    measured, draws = scored.metrics(), scored.draws()
    wider = np.sqrt(1 + len(scored.labels) / reference_rows)
    checks = []
    for name, limit in (("AUC", limits.auc), ("log loss", limits.log_loss), ("calibration", limits.calibration)):
        value, before = measured[name], reference.get(name)
        if before is None or not np.isfinite(value):
            continue  # one class only, now or when published: there is no such metric
        low, high = (value + wider * (end - value) for end in np.nanpercentile(draws[name], INTERVAL))
        fires = {
            "AUC": high < before - limit,
            "log loss": low > before + limit,
            "calibration": max(low - 1, 1 - high) > abs(before - 1) + limit,
        }[name]
        words = f"{name} of the model in production is {value:.4f} ({low:.4f} to {high:.4f}), was {before:.4f} when published"
        checks.append(
            Check(
                kind="concept",
                feature="",
                measure=name,
                value=value,
                reference=before,
                interval=(float(low), float(high)),
                limit=limit,
                verdict="decayed" if fires else "stable",
                reason=f"{words}; limit {limit:g} worse" if fires else "",
            )
        )
    return checks
