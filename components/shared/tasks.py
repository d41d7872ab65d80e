"""The tasks: what a label and an answer are, and what an answer is judged by. Nothing else asks which task a problem has.

A task is data, and imports nothing heavy: command lines read it too. What needs TensorFlow of it is in pipeline/model/heads.py,
and how rows are scored in `components.shared.scored`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.shared import metric_names as names

TaskName = Literal["binary", "multiclass", "regression"]
Better = Literal["higher", "lower", "nearer 1"]  # which values of a metric are


@dataclass(frozen=True)
class Metric:
    """A metric of evaluated rows.

    Attributes:
        key: TFMA's name of its value.
        tfma: TFMA's, or Keras', name of its class.
        name: what people call it.
        meaning: what it says, for a person.
        in_unit: it has the label's unit, so differences of it are shares of its value.
    """

    key: str
    tfma: str
    name: str
    better: Better
    meaning: str
    in_unit: bool = False

    def figure(self, value: float) -> str:
        """Write a value as people read it: three decimals; of what has a unit four digits, or all of those before the point."""
        if not self.in_unit:
            return f"{value:.3f}"
        return f"{value:#.4g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004

    def loss(self, before: float, after: float) -> float:
        """Return how much worse a value is than the one before; of what has a unit, as a share of that."""
        worse = {"higher": before - after, "lower": after - before, "nearer 1": abs(after - 1) - abs(before - 1)}[self.better]
        return worse / before if self.in_unit and before else worse


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: as in problem.toml.
        output: the answer's name in each signature: one value a row, or one a class.
        called: what an answer is, for people.
        naive: the answer that knows the training labels alone, for people: what a model has to beat.
        label_dtype: of the label's column, by TensorFlow's name.
        metrics: that the Evaluator computes, and pages show; the first decides whether a candidate is good enough.
        plain: others that it computes, by TFMA's names of their classes: the key to the class, with its module if it is ours.
        plot: TFMA's plot, by the name of its class and its settings; empty: none.
        limit, change: settings of [evaluate]: which value of the first metric is good enough, and how much worse than
            production's it may be.
        drift: by the key of a metric, the setting of [drift] that says how much worse production's may become.
        mobile: by the key of a metric, the setting of [mobile] that says how far the phone's may be from the server's.
        label_limits: settings of [gate] for the shares of labels.
        bounded: answers are probabilities.
        beside: metrics that pages have, and TFMA has not; their key is the name.
    """

    name: TaskName
    output: str
    called: str
    naive: str
    label_dtype: Literal["int64", "float32", "string"]
    metrics: tuple[Metric, ...]
    plain: dict[str, str]
    plot: tuple[str, dict[str, int]] | None
    limit: str
    change: str
    drift: dict[str, str]
    mobile: dict[str, str]
    label_limits: tuple[str, ...] = ()
    bounded: bool = True
    beside: tuple[Metric, ...] = ()
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)  # settings by section, beside those above

    @property
    def decides(self) -> Metric:
        """The metric that decides whether a candidate is good enough."""
        return self.metrics[0]

    def metric(self, key: str) -> Metric:
        """Return a metric by TFMA's name."""
        return next(each for each in self.metrics if each.key == key)

    def settings(self) -> dict[str, set[str]]:
        """Name the settings that this task has, by section, of those that not all tasks have."""
        own = {
            "evaluate": {self.limit, self.change},
            "drift": {*self.drift.values()},
            "mobile": {*self.mobile.values()},
            "gate": {*self.label_limits},
        }
        return {section: found | {*self.others.get(section, ())} for section, found in own.items()}


COVERED = 0.9  # of new labels that the interval of a prediction is to hold
SCORE_BUCKETS = 20  # of the published histogram, which later scores are compared with
COUNT = {names.ROWS: "ExampleCount"}

BINARY = Task(
    name="binary",
    output="probability",
    called="probability",
    naive="the share of positives among the training rows",
    label_dtype="int64",
    metrics=(
        Metric(
            names.AUC,
            "AUC",
            "AUC",
            "higher",
            "chance that a positive row scores above a negative one; 0.5 is guessing, 1 is perfect",
        ),
        Metric(
            names.LOG_LOSS,
            "BinaryCrossEntropy",
            "log loss",
            "lower",
            "mean of -ln of the probability that was given to what came, in nats; less is better",
        ),
        Metric(
            names.AUC_PR,
            "AUCPrecisionRecall",
            "AUC-PR",
            "higher",
            "area under the precision-recall curve; guessing gets the share of positives",
        ),
        Metric(
            names.CALIBRATION,
            "Calibration",
            "calibration",
            "nearer 1",
            "positives that the scores add up to, over those that came; above 1 is too many",
        ),
    ),
    plain=COUNT | {names.POSITIVES: "MeanLabel"},
    plot=("CalibrationPlot", {"num_buckets": SCORE_BUCKETS}),
    limit="min_auc",
    change="max_auc_drop",
    drift={names.AUC: "auc", names.LOG_LOSS: "log_loss", names.CALIBRATION: "calibration"},
    mobile={names.AUC: "max_auc_change", names.LOG_LOSS: "max_log_loss_change"},
    label_limits=("min_positive_share", "max_positive_share"),
    others={"mobile": ("threshold",), "drift": ("label", "prediction")},
)
MULTICLASS = Task(
    name="multiclass",
    output="probabilities",
    called="probability",
    naive="the shares of the classes among the training rows",
    label_dtype="string",
    metrics=(
        Metric(
            names.ACCURACY, "SparseCategoricalAccuracy", "accuracy", "higher", "share of the rows whose likeliest class came"
        ),
        Metric(
            names.CLASS_LOG_LOSS,
            "SparseCategoricalCrossentropy",
            "log loss",
            "lower",
            "mean of -ln of the probability that was given to the class that came, in nats; less is better",
        ),
    ),
    plain=COUNT,
    plot=("MultiClassConfusionMatrixPlot", {}),
    limit="min_accuracy",
    change="max_accuracy_drop",
    drift={names.ACCURACY: "accuracy", names.CLASS_LOG_LOSS: "log_loss"},
    mobile={names.ACCURACY: "max_accuracy_change", names.CLASS_LOG_LOSS: "max_log_loss_change"},
    label_limits=("min_class_share",),
    beside=(Metric("macro AUC", "", "macro AUC", "higher", "mean of the classes' AUC, each against all others"),),
    others={"drift": ("label", "prediction"), "gate": ("may_be_absent",)},
)
REGRESSION = Task(
    name="regression",
    output="prediction",
    called="prediction",
    naive="the mean label of the training rows",
    label_dtype="float32",
    metrics=(
        Metric(
            names.RMSE,
            "RootMeanSquaredError",
            "RMSE",
            "lower",
            "root of the mean squared error, in the label's unit; less is better",
            in_unit=True,
        ),
        Metric(
            names.MAE,
            "MeanAbsoluteError",
            "MAE",
            "lower",
            "mean absolute error, in the label's unit; less is better",
            in_unit=True,
        ),
        Metric(
            names.CORRELATION,
            "SquaredPearsonCorrelation",
            "squared correlation",
            "higher",
            "of predictions and labels: how near they are to some straight line; 0 is none, 1 is on it",
        ),
    ),
    plain=COUNT
    | {names.MEAN_PREDICTION: "MeanPrediction", names.MEAN_LABEL: "MeanLabel"}
    | dict.fromkeys((names.ERROR_LOW, names.ERROR_HIGH), "components.evaluator.error_quantiles.ErrorQuantiles"),
    plot=None,
    limit="max_rmse",
    change="max_rmse_rise",
    drift={names.RMSE: "rmse"},
    mobile={names.RMSE: "max_rmse_change"},
    bounded=False,
    beside=(
        Metric("R²", "", "R²", "higher", "share of the label's variance that predictions explain; the rows' mean label has 0"),
        Metric("Spearman", "", "Spearman", "higher", "correlation of the ranks of predictions and labels"),
    ),
    others={"drift": ("shift", "coverage")},
)
TASKS: dict[str, Task] = {task.name: task for task in (BINARY, MULTICLASS, REGRESSION)}


def interval(overall: Mapping[str, float]) -> tuple[float, float] | None:
    """Return what to add to a prediction for both ends of its interval, from a version's metrics; None where it has none."""
    return (overall[names.ERROR_LOW], overall[names.ERROR_HIGH]) if names.ERROR_LOW in overall else None


def measured(keys: Iterable[str]) -> Task:
    """Return the task whose metrics these are, by TFMA's names of some or all of them.

    >>> measured(["example_count", "root_mean_squared_error"]).name
    'regression'
    """
    found = set(keys)
    return next((task for task in (MULTICLASS, REGRESSION) if found & {each.key for each in task.metrics}), BINARY)


def configured(configuration: dict) -> Task:
    """Return the task of a run's settings by section; of older code, which had no other, the binary one."""
    return TASKS[configuration.get("problem", {}).get("task", BINARY.name)]
