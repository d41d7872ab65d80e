"""Measure the answers for labelled rows: their metrics, and a bootstrap of these. Pure NumPy."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

BUCKETS = 1000  # of the score: the AUC is exact but for pairs that share one
BLOCKS = 30  # of consecutive rows, the bootstrap's units: rows of one day are alike
DRAWS = 500
NEAREST = 1e-7  # to 0 and 1, of a score in the log loss: as in Keras and our Evaluator, unlike TFMA
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class ScoredRows(ABC):
    """Labels and answers of the same rows, in the order of time."""

    labels: np.ndarray  # shape [rows]
    scores: np.ndarray  # the model's answers, shape [rows], or [rows, classes]
    days: np.ndarray | None = None  # a number for the day of each row; None: unknown, and blocks are of consecutive rows

    @cached_property
    def _in_blocks(self) -> tuple[np.ndarray, int]:
        """The block of each row, and how many there are: days if these are known."""
        if self.days is None:
            blocks = min(BLOCKS, len(self.labels))
            return np.arange(len(self.labels)) * blocks // len(self.labels), blocks
        known, of_row = np.unique(self.days, return_inverse=True)
        return of_row, len(known)

    @cached_property
    def blocks(self) -> np.ndarray:
        """Sums over blocks of rows, float64, shape [blocks, sums]."""
        return self._sums(*self._in_blocks)

    def metrics(self) -> dict[str, float]:
        """Compute each metric, by the name that people have for it; NaN where there is no value."""
        return {name: float(values[0]) for name, values in self._metrics(self.blocks.sum(axis=0, keepdims=True)).items()}

    def draws(self) -> dict[str, np.ndarray]:
        """Compute the same for `DRAWS` bootstrap samples of blocks (Künsch 1989), each of shape [DRAWS].

        Two models' answers for the same rows use the same samples, so they can be compared draw by draw.
        """
        return self._metrics(self._samples() @ self.blocks)

    def mean_draws(self, values: np.ndarray) -> np.ndarray:
        """Compute the mean of a value of each row, shape [rows], for the same samples, shape [DRAWS]."""
        rows, total = (self._samples() @ summed([np.ones(len(values)), values], *self._in_blocks)).T
        return total / rows

    def _samples(self) -> np.ndarray:
        """Draw how often each sample has each block, shape [DRAWS, blocks]."""
        _, blocks = self._in_blocks
        return np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS)

    @property
    @abstractmethod
    def measurable(self) -> bool:
        """Whether labels and answers are such that there are curves and intervals."""

    @abstractmethod
    def _sums(self, of_row: np.ndarray, blocks: int) -> np.ndarray:
        """Sum up over the blocks what metrics are made of, shape [blocks, sums]; `of_row` is the block of each row."""

    @abstractmethod
    def _metrics(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Compute metrics from rows of `blocks`' sums, each of shape [len(sums)]."""


def summed(values: list[np.ndarray], of_row: np.ndarray, blocks: int) -> np.ndarray:
    """Sum columns of shape [rows] over blocks: shape [blocks, columns]."""
    return np.stack([np.bincount(of_row, column.astype("float64"), blocks) for column in values], axis=1)


class Scored(ScoredRows):
    """Labels of 0 and 1, and probabilities of 1."""

    @property
    def measurable(self) -> bool:
        """Whether both classes occur and all scores are probabilities."""
        scores = self.scores
        both = 0 < self.labels.sum() < len(self.labels)
        return both and bool(np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1)

    def _sums(self, of_row: np.ndarray, blocks: int) -> np.ndarray:
        """Sum up counts of negatives and of positives by bucket of the score, log loss, scores, labels."""
        counts = ranked(self.scores, self.labels, of_row, blocks)
        scores = np.clip(self.scores.astype("float64"), NEAREST, 1 - NEAREST)
        losses = -np.log(np.where(self.labels == 1, scores, 1 - scores))
        return np.hstack([counts, summed([losses, scores, self.labels], of_row, blocks)])

    def _metrics(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Compute AUC, AUC-PR, log loss and calibration."""
        negatives, positives = sums[:, :BUCKETS], sums[:, BUCKETS : 2 * BUCKETS]
        loss, scores, labels = sums[:, 2 * BUCKETS :].T
        hits, alarms = (np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] for counts in (positives, negatives))
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(hits + alarms > 0, hits / (hits + alarms), 0.0)
            rows = positives.sum(axis=1) + negatives.sum(axis=1)
            return {
                "AUC": auc(negatives, positives),
                "AUC-PR": (precision * positives).sum(axis=1) / positives.sum(axis=1),
                "log loss": loss / rows,
                "calibration": np.where(labels > 0, scores / labels, np.nan),
            }


def ranked(scores: np.ndarray, labels: np.ndarray, of_row: np.ndarray, blocks: int) -> np.ndarray:
    """Count negatives and positives of each block by bucket of the score, shape [blocks, 2 * BUCKETS]."""
    bucket = np.minimum((scores * BUCKETS).astype(int), BUCKETS - 1) + BUCKETS * labels.astype(int)
    counts = np.zeros((blocks, 2 * BUCKETS))
    np.add.at(counts, (of_row, bucket), 1)
    return counts


def auc(negatives: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Compute the area under the ROC curve from counts by bucket, shape [samples, BUCKETS]; NaN without both classes."""
    below = np.cumsum(negatives, axis=1) - negatives / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return (positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1))
