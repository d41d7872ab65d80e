"""What a task decides: gates, limits of drift and of a worse model, the words, and LightGBM beside it. One object a task."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components.shared import tasks
from components.shared.tasks import SCORE_BUCKETS
from pipeline.adoption.periods import Split

if TYPE_CHECKING:
    import pandas as pd

JUDGED = 5  # classes against which columns are held
DEVIATIONS = 3  # of sampling noise, within which a difference is none
NUMBER_BUCKETS = 50  # of the histogram of a feature
BY_CHANCE = 1.25  # deviations that one of twenty candidates as good as production falls behind, both on the same rows


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


class Task(ABC):
    """What adopt decides of a task."""

    name: str
    learner: str  # LightGBM's class
    ranks_by: str = "AUC"  # how a column alone is judged, as people call it
    drops: bool = True  # units while it trains

    @property
    def measure(self) -> str:
        """What LightGBM is judged by, as a candidate is, as people call it."""
        return tasks.TASKS[self.name].decides.name

    @abstractmethod
    def gate(self, splits: Sequence[Split]) -> dict[str, Any]:
        """Bound the labels of a split, from all that the table has shown."""

    @abstractmethod
    def drift(self, held: Split, span: int) -> dict[str, float]:
        """Bound what chance makes of labels and scores in a `span` of rows, and of the metrics of a usual evaluation."""

    @abstractmethod
    def evaluate(self, held: Split) -> dict[str, float]:
        """Let a candidate be as much worse than production as chance makes it in a usual evaluation."""

    @abstractmethod
    def alone(self, values: "pd.Series", label: "pd.Series") -> float:
        """Say how well a column alone ranks the label, on rows that did not teach it to: from 0.5, nothing, to 1."""

    @abstractmethod
    def score(self, model: Any, rows: "pd.DataFrame", label: "pd.Series") -> float:
        """Compute the measure of a model of LightGBM."""


class Binary(Task):
    """Two values, of which one is the event: what is rare is a positive."""

    name, learner = "binary", "LGBMClassifier"

    def gate(self, splits: Sequence[Split]) -> dict[str, Any]:
        """Bound the share of positives half as near to 0 and 1 as it was."""
        shares = [split.rare / split.rows for split in splits if split.rows]
        return {
            "min_positive_share": math.floor(min(shares) / 2 * 1000) / 1000,
            "max_positive_share": up(1 - (1 - max(shares)) / 2),
        }

    def drift(self, held: Split, span: int) -> dict[str, float]:
        """See `Task`."""
        share = min(max(held.rare / max(held.rows, 1), 0.01), 0.99)
        noise = deviation(share, held.rows)
        return {
            "label": max(0.005, DEVIATIONS * deviation(share, span)),
            "prediction": max(0.01, divergence(SCORE_BUCKETS, held.rows, span)),
            "auc": max(0.01, auc_deviation(held)),
            "log_loss": max(0.01, noise),
            "calibration": max(0.1, DEVIATIONS * noise / share),
        }

    def evaluate(self, held: Split) -> dict[str, float]:
        """See `Task`."""
        return {"min_auc": 0.5, "max_auc_drop": up(max(0.01, BY_CHANCE * auc_deviation(held)))}

    def alone(self, values: "pd.Series", label: "pd.Series") -> float:
        """Compute the AUC of the column's scores."""
        from pipeline.adoption import ranking  # noqa: PLC0415

        return max(0.5, ranking.auc(*ranking.alone(values, label)))

    def score(self, model: Any, rows: "pd.DataFrame", label: "pd.Series") -> float:
        """Compute the AUC of the log-odds."""
        import pandas as pd  # noqa: PLC0415

        from pipeline.adoption import ranking  # noqa: PLC0415

        return ranking.auc(pd.Series(model.predict(rows, raw_score=True), index=label.index), label)


class Multiclass(Task):
    """A few values: what is rare is the class with the fewest rows."""

    name, learner = "multiclass", "LGBMClassifier"
    ranks_by = "mean AUC"

    def gate(self, splits: Sequence[Split]) -> dict[str, Any]:
        """Leave it at the default, a row of each class to train on."""
        return {}

    def drift(self, held: Split, span: int) -> dict[str, float]:
        """See `Task`. A class or a share of right answers is at its noisiest at a half."""
        noise = deviation(0.5, held.rows)
        return {
            "label": max(0.005, DEVIATIONS * deviation(0.5, span)),
            "prediction": max(0.01, divergence(SCORE_BUCKETS, held.rows, span)),
            "accuracy": max(0.02, noise),
            "log_loss": max(0.01, 2 * noise),
        }

    def evaluate(self, held: Split) -> dict[str, float]:
        """See `Task`."""
        return {"max_accuracy_drop": up(max(0.01, BY_CHANCE * deviation(0.5, held.rows)))}

    def alone(self, values: "pd.Series", label: "pd.Series") -> float:
        """Compute the mean AUC of the most frequent classes, each against all others."""
        from pipeline.adoption import ranking  # noqa: PLC0415

        classes = label.value_counts().index[:JUDGED]
        return max(0.5, sum(ranking.auc(*ranking.alone(values, label == each)) for each in classes) / len(classes))

    def score(self, model: Any, rows: "pd.DataFrame", label: "pd.Series") -> float:
        """Compute the share of right answers."""
        return float((model.predict(rows) == label.to_numpy()).mean())


class Regression(Task):
    """Numbers: what is rare is above the median, half of the rows.

    Nothing is dropped while it trains: what is left of a sum is another number. On made fares of 2,500 rows
    the RMSE rises from 1.11 to 1.55, where LightGBM has 1.25.
    """

    name, learner = "regression", "LGBMRegressor"
    ranks_by, drops = "concordance", False

    def gate(self, splits: Sequence[Split]) -> dict[str, Any]:
        """Leave it to the schema, which says what a number may be."""
        return {}

    def drift(self, held: Split, span: int) -> dict[str, float]:
        """See `Task`. A mean of n labels is a standard deviation over the root of n off; an RMSE, half of that share of it."""
        return {
            "shift": max(0.1, DEVIATIONS / math.sqrt(max(span, 1))),
            "rmse": max(0.05, DEVIATIONS / math.sqrt(2 * max(held.rows, 1))),
        }

    def evaluate(self, held: Split) -> dict[str, float]:
        """See `Task`."""
        return {"max_rmse_rise": up(max(0.02, BY_CHANCE / math.sqrt(2 * max(held.rows, 1))))}

    def alone(self, values: "pd.Series", label: "pd.Series") -> float:
        """Compute the share of pairs of rows that the column's scores rank right."""
        from pipeline.adoption import ranking  # noqa: PLC0415

        return max(0.5, ranking.concordance(*ranking.alone(values, label)))

    def score(self, model: Any, rows: "pd.DataFrame", label: "pd.Series") -> float:
        """Compute the root of the mean squared error."""
        return float(((model.predict(rows) - label) ** 2).mean() ** 0.5)


def auc_deviation(split: Split) -> float:
    """Estimate the standard deviation of an AUC near 0.8: 0.29 over the root of the rarer label's rows.

    Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve", at equal shares and AUC 0.8.
    """
    return 0.29 / math.sqrt(max(1, min(split.rare, split.rows - split.rare)))


BINARY, MULTICLASS, REGRESSION = Binary(), Multiclass(), Regression()
TASKS: dict[str, Task] = {task.name: task for task in (BINARY, MULTICLASS, REGRESSION)}
