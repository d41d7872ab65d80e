"""What a task decides: gates, limits of drift and of a worse model, the words, and LightGBM beside it. One object a task."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components.shared import tasks
from components.shared.tasks import SCORE_BUCKETS
from pipeline.adoption.noise import DEVIATIONS, auc_deviation, deviation, divergence, up
from pipeline.adoption.periods import Split

if TYPE_CHECKING:
    import pandas as pd

JUDGED = 5  # classes against which columns are held
NUMBER_BUCKETS = 50  # of the histogram of a feature
BY_CHANCE = 1.25  # deviations that one of twenty candidates as good as production falls behind, both on the same rows


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

    def summands(self, numbers: "pd.DataFrame", label: "pd.Series") -> list[str]:
        """Name the columns of numbers that add up to the label, each times some factor; none where it is no quantity."""
        return []

    def lost_digits(self, sql: str, values: "pd.Series") -> str:
        """Say that float32 loses digits of the label, and what to do; empty where it is no number."""
        return ""

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

    def summands(self, numbers: "pd.DataFrame", label: "pd.Series") -> list[str]:
        """See `Task`."""
        from pipeline.adoption import ranking  # noqa: PLC0415

        return ranking.summands(numbers, label)

    def lost_digits(self, sql: str, values: "pd.Series") -> str:
        """See `Task`."""
        from pipeline.adoption import digits  # noqa: PLC0415

        return digits.of_label(sql, values)

    def score(self, model: Any, rows: "pd.DataFrame", label: "pd.Series") -> float:
        """Compute the root of the mean squared error."""
        return float(((model.predict(rows) - label) ** 2).mean() ** 0.5)


BINARY, MULTICLASS, REGRESSION = Binary(), Multiclass(), Regression()
TASKS: dict[str, Task] = {task.name: task for task in (BINARY, MULTICLASS, REGRESSION)}
