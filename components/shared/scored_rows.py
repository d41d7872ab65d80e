"""Measure the scores of labelled rows: their metrics, and a bootstrap of these. Pure NumPy."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BUCKETS = 1000  # of the score: the AUC is exact but for pairs that share one
BLOCKS = 30  # of consecutive rows, the bootstrap's units: rows of one day are alike
DRAWS = 500
NEAREST = 1e-7  # to 0 and 1, of a score in the log loss: as in Keras and our Evaluator, unlike TFMA
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Scored:
    """Labels and scores of the same rows, in the order of time; each array of shape [rows]."""

    labels: np.ndarray  # 0 or 1
    scores: np.ndarray  # the model's probabilities of 1
    days: np.ndarray | None = None  # a number for the day of each row; None: unknown, and blocks are of consecutive rows

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
        """Compute AUC, AUC-PR, log loss and calibration; NaN where there is no value."""
        return {name: float(values[0]) for name, values in _metrics(self.blocks.sum(axis=0, keepdims=True)).items()}

    def draws(self) -> dict[str, np.ndarray]:
        """Compute the same for `DRAWS` bootstrap samples of blocks (Künsch 1989), each of shape [DRAWS].

        Two models' scores of the same rows use the same samples, so they can be compared draw by draw.
        """
        blocks = len(self.blocks)
        weights = np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS)
        return _metrics(weights @ self.blocks)


def _metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Compute metrics from rows of `Scored.blocks`' sums, each of shape [len(sums)]."""
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
