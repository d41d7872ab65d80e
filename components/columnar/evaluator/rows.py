"""Labels and answers of a slice as columns, of two kinds, and what is wrong with those that no metric is defined for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.shared.errors import BadData, CrosswindError

Kinds = frozenset[str]  # of answers
NONE: Kinds = frozenset()
NUMBERS: Kinds = frozenset({"numbers"})  # one a row
CLASSES: Kinds = frozenset({"classes"})  # one for each class a row
ANY: Kinds = NUMBERS | CLASSES


class NotAScore(ValueError, CrosswindError):
    """A model's answer to a row is not what the metrics are made of: one number, or one a class."""


@dataclass(frozen=True)
class Rows:
    """Rows of a slice: by model, labels (float64, `[rows]`) and scores (float32, `[rows]` or `[rows, classes]`)."""

    labels: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.labels.values())))

    def take(self, rows: np.ndarray) -> "Rows":
        """Select rows by their numbers."""
        return Rows(*({name: column[rows] for name, column in columns.items()} for columns in (self.labels, self.scores)))

    def numbers(self, model: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a model's labels (float64) and scores (float32), `[rows]` each.

        Raises:
            BadData: a label or a score is NaN.
            NotAScore: there are several scores a row.
        """
        labels, scores = self.labels[model], _present(self.scores[model])
        if scores.ndim > 1:
            raise NotAScore(
                f"{model or 'The model'} answers a row with {scores.shape[1]} values; expected one, of which the metrics are "
                "made. Take metrics of classes, or a signature that answers with a number."
            )
        if missing := np.isnan(labels).sum():
            raise BadData(f"{missing} of {len(labels)} labels are NaN; expected numbers. Leave rows without a label out.")
        return labels, scores

    def classes(self, model: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a model's labels as numbers of classes (int64, `[rows]`), and its scores (float32, `[rows, classes]`).

        Raises:
            BadData: a label is no class, or a score is NaN.
            NotAScore: there is one score a row.
        """
        labels, scores = self.labels[model], _present(self.scores[model])
        if scores.ndim == 1:
            raise NotAScore(
                f"{model or 'The model'} answers a row with one value; expected one a class, of which the metrics are made. "
                "Take metrics of numbers, or a signature that answers with the probabilities of classes."
            )
        classes = scores.shape[1]
        if (unknown := ~((labels >= 0) & (labels < classes) & (np.floor(labels) == labels))).any():
            raise BadData(
                f"{unknown.sum()} of {len(labels)} labels are no class, such as {labels[unknown][0]:g}, which stands for a "
                f"missing or unknown one if it is -1; expected 0 to {classes - 1}. Name the class in problem.classes, or leave "
                "the row out."
            )
        return labels.astype(np.int64), scores


def _present(scores: np.ndarray) -> np.ndarray:
    """Return the scores. Raises BadData if one is NaN."""
    if (missing := np.isnan(scores)).any():
        rows = missing.reshape(len(scores), -1).any(axis=1).sum()
        raise BadData(f"{rows} of {len(scores)} scores are NaN; expected numbers. See what the model got.")
    return scores
