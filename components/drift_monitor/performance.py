"""Label, prediction and concept drift, from the labels of the newest span and production's scores. Pure NumPy."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.shared.drift_report import Check

BUCKETS = 1000  # of the score: the AUC is exact but for pairs that share one
BLOCKS = 30  # of consecutive rows, the bootstrap's units: flights of one day share their weather
DRAWS = 500
NEAREST = 1e-7  # to 0 and 1, of a score in the log loss: as in Keras and our Evaluator, not in TFMA
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Limits:
    """From which value on a difference counts; an interval must lie beyond it as a whole.

    Attributes:
        label: change of the share of positives.
        prediction: Jensen-Shannon divergence of the scores' histograms, in bits.
        auc: loss of AUC.
        log_loss: rise of the log loss, in nats.
        calibration: rise of the distance of predicted over observed positives from 1.
    """

    label: float
    prediction: float
    auc: float
    log_loss: float
    calibration: float


@dataclass(frozen=True)
class Scored:
    """Labels and scores of the same rows, in the order of time.

    Attributes:
        labels: 0 or 1, shape [rows].
        scores: the model's probabilities of 1, shape [rows].
        days: a number for the day of each row, shape [rows]; None: not known, and blocks are of as many consecutive rows.
    """

    labels: np.ndarray
    scores: np.ndarray
    days: np.ndarray | None = None

    @cached_property
    def blocks(self) -> np.ndarray:
        """Sums over blocks of rows, which are days if these are known, float64, shape [blocks, 2 * BUCKETS + 3]: counts of
        negatives and of positives by bucket of the score, log loss, scores, labels."""
        if self.days is None:
            blocks = min(BLOCKS, len(self.labels))
            of_row = np.arange(len(self.labels)) * blocks // len(self.labels)
        else:
            known, of_row = np.unique(self.days, return_inverse=True)
            blocks = len(known)
        bucket = np.minimum((self.scores * BUCKETS).astype(int), BUCKETS - 1) + BUCKETS * self.labels.astype(int)
        counts = np.zeros((blocks, 2 * BUCKETS))
        np.add.at(counts, (of_row, bucket), 1)
        scores = np.clip(self.scores.astype("float64"), NEAREST, 1 - NEAREST)
        losses = -np.log(np.where(self.labels == 1, scores, 1 - scores))
        sums = [np.bincount(of_row, values, blocks) for values in (losses, scores, self.labels.astype("float64"))]
        return np.hstack([counts, np.stack(sums, axis=1)])

    def metrics(self) -> dict[str, float]:
        """AUC, AUC-PR, log loss and calibration; NaN where there is no value."""
        return {name: float(values[0]) for name, values in _metrics(self.blocks.sum(axis=0, keepdims=True)).items()}

    def draws(self) -> dict[str, np.ndarray]:
        """The same of `DRAWS` bootstrap samples of blocks (Künsch 1989), each of shape [DRAWS].

        Two models' scores of the same rows have the same samples, so that draw by draw they can be compared.
        """
        blocks = len(self.blocks)
        weights = np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS)
        return _metrics(weights @ self.blocks)


def _metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics from rows of `Scored.blocks`' sums, each of shape [len(sums)]."""
    negatives, positives = sums[:, :BUCKETS], sums[:, BUCKETS : 2 * BUCKETS]
    loss, scores, labels = sums[:, 2 * BUCKETS :].T
    below = np.cumsum(negatives, axis=1) - negatives / 2
    hits, alarms = (np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] for counts in (positives, negatives))
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = (positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1))
        precision = np.where(hits + alarms > 0, hits / (hits + alarms), 0.0)
        rows = positives.sum(axis=1) + negatives.sum(axis=1)
        return {
            "AUC": auc,
            "AUC-PR": (precision * positives).sum(axis=1) / positives.sum(axis=1),
            "log loss": loss / rows,
            "calibration": np.where(labels > 0, scores / labels, np.nan),
        }


def label(positives: float, rows: int, reference: float, reference_rows: int, limit: float) -> Check:
    """Compares shares of positives; the interval is the normal one for a difference of two shares, rows independent."""
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
    """Compares the histogram of scores with the published one.

    Args:
        scores: shape [rows], 0 to 1.
        reference: rows in each of equally wide buckets of [0, 1].
        limit: see `Limits`.
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
    """Divergence in bits, 0 to 1, of two histograms over the same buckets (Lin 1991)."""
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2

    def entropy_to_middle(part: np.ndarray) -> float:
        present = part > 0
        return float((part[present] * np.log2(part[present] / middle[present])).sum())

    return max(0.0, (entropy_to_middle(p) + entropy_to_middle(q)) / 2)


def concept(scored: Scored, reference: dict[str, float], reference_rows: int, limits: Limits) -> list[Check]:
    """Compares production's metrics on the newest span with those that it was published with.

    Args:
        scored: the newest span under the model in production.
        reference: its metrics at publication: AUC, log loss, calibration; one that had no value is not compared.
        reference_rows: rows that these were measured on. They vary as much as the new ones, so the new ones' bootstrap
            interval is widened to that of a difference.
        limits: see `Limits`.
    """
    measured, draws = scored.metrics(), scored.draws()
    wider = np.sqrt(1 + len(scored.labels) / reference_rows)
    checks = []
    for name, limit in (("AUC", limits.auc), ("log loss", limits.log_loss), ("calibration", limits.calibration)):
        value, before = measured[name], reference.get(name)
        if before is None or not np.isfinite(value):
            continue  # one class only, here or when published: there is no such metric
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
