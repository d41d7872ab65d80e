"""Measure the answers of tasks other than the binary one, and find the measure of a task. Pure NumPy."""

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from components.shared.scored_rows import BUCKETS, NEAREST, Scored, ScoredRows, auc, ranked, summed
from components.shared.tasks import Task


class ScoredClasses(ScoredRows):
    """Labels that are numbers of classes, and probabilities of each class, shape [rows, classes]."""

    @property
    def measurable(self) -> bool:
        """Whether several classes occur and all answers are probabilities."""
        several = len(np.unique(self.labels)) > 1
        return several and bool(np.isfinite(self.scores).all() and self.scores.min() >= 0 and self.scores.max() <= 1)

    def _sums(self, of_row: np.ndarray, blocks: int) -> np.ndarray:
        """Sum up rows, right ones and log loss, then counts by bucket of the score of each class against the others."""
        labels = self.labels.astype(int)
        of_label = np.clip(self.scores[np.arange(len(labels)), labels].astype("float64"), NEAREST, 1)
        plain = [np.ones(len(labels)), self.scores.argmax(axis=1) == labels, -np.log(of_label)]
        classes = [ranked(self.scores[:, each], labels == each, of_row, blocks) for each in range(self.scores.shape[1])]
        return np.hstack([summed(plain, of_row, blocks), *classes])

    def _metrics(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Compute accuracy, log loss, and the mean of the classes' AUC, each against all others, of those that occur."""
        rows, right, loss = sums[:, :3].T
        classes = np.split(sums[:, 3:], self.scores.shape[1], axis=1)
        areas = np.stack([auc(counts[:, :BUCKETS], counts[:, BUCKETS:]) for counts in classes])
        known = np.isfinite(areas)
        mean = np.where(known.any(axis=0), np.where(known, areas, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
        return {"accuracy": right / rows, "log loss": loss / rows, "macro AUC": mean}


class ScoredNumbers(ScoredRows):
    """Labels and answers that are numbers."""

    @property
    def measurable(self) -> bool:
        """Whether labels differ and all answers are numbers."""
        return bool(np.isfinite(self.scores).all() and np.ptp(self.labels) > 0)

    def _sums(self, of_row: np.ndarray, blocks: int) -> np.ndarray:
        """Sum up rows and errors, then the moments that correlations are made of: of values, and of their ranks."""
        labels, scores = (each.astype("float64") for each in (self.labels, self.scores))
        errors = scores - labels
        middle = labels.mean()  # moments around it: far from it, squares lose their digits
        ranks = [stats.rankdata(each) / len(each) for each in (labels, scores)]
        columns = [np.ones(len(labels)), errors**2, np.abs(errors)]
        for first, second in ((labels - middle, scores - middle), ranks):
            columns += [first, second, first**2, second**2, first * second]
        return summed(columns, of_row, blocks)

    def _metrics(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Compute RMSE, MAE, R², the squared correlation, and Spearman's, whose ranks are those among all rows."""
        rows, squared, absolute = sums[:, :3].T
        of_values, of_ranks = (_correlation(rows, moments) for moments in (sums[:, 3:8].T, sums[:, 8:].T))
        total = sums[:, 5] - sums[:, 3] ** 2 / rows
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "RMSE": np.sqrt(squared / rows),
                "MAE": absolute / rows,
                "squared correlation": of_values**2,
                "R²": np.where(total > 0, 1 - squared / total, np.nan),
                "Spearman": of_ranks,
            }


def _correlation(rows: np.ndarray, moments: np.ndarray) -> np.ndarray:
    first, second, first_squared, second_squared, product = moments
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = (first_squared - first**2 / rows) * (second_squared - second**2 / rows)
        return np.where(variances > 0, (product - first * second / rows) / np.sqrt(variances), np.nan)


SCORED: dict[str, type[ScoredRows]] = {"binary": Scored, "multiclass": ScoredClasses, "regression": ScoredNumbers}


def scored(task: Task, labels: np.ndarray, scores: np.ndarray, days: np.ndarray | None = None) -> ScoredRows:
    """Put labels and answers of a task together, as `ScoredRows` takes them."""
    return SCORED[task.name](labels, scores, days)
