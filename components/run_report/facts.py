"""The content of a run's page: `facts.json` beside it, from which the history page is made too. Imports nothing heavy."""

from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field

from components.shared import drift_report
from components.shared.advice import Advice
from components.shared.canary_report import CanaryReport
from components.shared.documents import Part
from components.shared.tasks import BINARY, TASKS, Better, TaskName
from components.shared.trace import NodeState
from components.shared.units import block_called

FILE = "facts.json"

Comparison = Literal["better", "worse", "undecided"]  # of the candidate with production
GateState = Literal["passed", "refused", "failed", "not_tried"]
FigureUnit = Literal["", "share", "rows", "days", "ms", "MB", "KB"]
Ending = Literal["published", "not_blessed", "stable", "stopped", "failed", "unfinished"]


class Limit(Part):
    """A figure that a gate compares with a limit, or with two that make a range."""

    name: str
    value: float | None = Field(description="None: the figure has none")
    at_least: float | None = None
    at_most: float | None = None
    unit: FigureUnit = ""
    settings: list[str] = Field(default=[], description="those that state the limit, as `section.key`")

    @property
    def margin(self) -> float | None:
        """How far the value is within its limit; negative beyond it."""
        if self.value is None:
            return None
        ends = [self.value - self.at_least] if self.at_least is not None else []
        ends += [self.at_most - self.value] if self.at_most is not None else []
        return min(ends, default=None)

    @property
    def holds(self) -> bool:
        """Whether the value keeps the limit."""
        return self.margin is None or self.margin >= 0


class GateFacts(Part):
    """One of the gates between the data and a publication."""

    id: str = Field(description="of the section of the page that tells more")
    name: str
    node: str = Field(description="that decides")
    state: GateState
    limits: list[Limit] = []
    reasons: list[str] = Field(default=[], description="why it refused, or what else it said")

    @property
    def beyond(self) -> list[Limit]:
        """The limits that were not kept."""
        return [limit for limit in self.limits if not limit.holds]


class Node(Part):
    """A node of the DAG."""

    name: str
    upstream: list[str] = Field(description="nodes that it waits for")
    state: NodeState
    seconds: float | None = Field(default=None, description="None: it did not run")
    message: str = Field(default="", description="why it failed")


class Distribution(Part):
    """One feature in one dataset."""

    rows: int
    missing: float = Field(description="share of rows")
    mean: float | None = Field(default=None, description="of a number")
    shares: list[float] = Field(description="of the rows that have a value, by bin or category of the feature")


class FeatureFacts(Part):
    """One feature, or the label, in the two splits and in what the model in production was trained on."""

    name: str
    unit: str = ""
    edges: list[float] | None = Field(default=None, description="of the bins of a number, one more than there are bins")
    categories: list[str] | None = Field(default=None, description="the most frequent first, the last one 'other'")
    train: Distribution | None
    eval: Distribution | None
    reference: Distribution | None


class FindingFacts(Part):
    """What ExampleValidator or DataGate found, in words."""

    split: str
    feature: str
    severity: str
    text: str


class DataFacts(Part):
    """The window of spans that the run read."""

    window: list[str]
    rows: dict[str, int] = Field(description="by split")
    rows_by_span: dict[str, int]
    features: list[FeatureFacts]
    findings: list[FindingFacts]
    positives: dict[str, float] = Field(default={}, description="share of positive labels by split")
    classes: dict[str, float] = Field(default={}, description="share of the rarest class of the training split, by its name")
    repeated: float | None = Field(default=None, description="largest share of a span's rows that repeat another one")
    days: dict[str, int] = Field(default={}, description="that have rows, by split; none if the rows have no date")


class Measured(Part):
    """A metric with its 95 % confidence interval, where one was computed."""

    value: float
    interval: tuple[float, float] | None = None


class Metric(Part):
    """A metric of both models on the same evaluation rows."""

    name: str
    better: Better
    candidate: Measured
    production: Measured | None = None
    naive: float | None = Field(default=None, description="of the naive answer, see naive.py; None: it has none")
    difference: Measured | None = Field(default=None, description="candidate less production, paired by row")
    verdict: Comparison = Field(default="undecided", description="which it stays if the interval of the gain holds zero")


class SliceFacts(Part):
    """Metrics of a slice, by name."""

    name: str = Field(description="as in country=DE")
    rows: int
    candidate: dict[str, float]
    production: dict[str, float]


class Curves(Part):
    """The curves of one model on the evaluation rows; all points from left to right."""

    roc: list[tuple[float, float]] = Field(description="false positive rate, true positive rate")
    precision_recall: list[tuple[float, float]] = Field(description="recall, precision")
    calibration: list[tuple[float, float, int]] = Field(description="mean score, share of positives, rows of each bucket")
    negatives: list[float] = Field(description="share of the negatives in each of equally wide buckets of the score")
    positives: list[float]


class ClassCurves(Part):
    """How one model tells several classes apart on the evaluation rows."""

    classes: list[str]
    confusion: list[list[float]] = Field(description="for each class that came, the share of its rows by the likeliest class")
    rows: list[int] = Field(description="of each class that came")
    calibration: list[tuple[float, float, int]] = Field(
        description="mean probability of the likeliest class, share of rows in which it came, rows of each bucket"
    )


class NumberCurves(Part):
    """How one model's numbers fit those that came, on the evaluation rows."""

    fit: list[tuple[float, float, float, float]] = Field(
        description="for twenty equal parts of the rows by prediction: its mean, and of the labels the mean and the middle 80 %"
    )
    edges: list[float] = Field(description="of the bins of the residuals, label less prediction")
    residuals: list[float] = Field(description="share of rows by bin; those beyond the ends are in the last ones")


class Importance(Part):
    """What is lost of the metric that decides when a feature's values are permuted among the rows (Breiman 2001)."""

    feature: str
    lost: float = Field(description="mean of the permutations", validation_alias=AliasChoices("lost", "auc_loss"))
    spread: float = Field(description="standard deviation of the permutations")


class ModelFacts(Part):
    """The candidate, beside the model in production."""

    task: TaskName = BINARY.name
    rows: int = Field(description="evaluation rows")
    blessed: bool
    refusals: list[str] = Field(description="why it was not blessed")
    production_version: int | None
    metrics: list[Metric]
    slices: list[SliceFacts]
    interval: tuple[float, float] | None = Field(
        default=None,
        description="what to add to a prediction for the ends of its interval, in the label's unit",
    )
    candidate: Curves | ClassCurves | NumberCurves | None
    production: Curves | ClassCurves | NumberCurves | None
    loss: dict[str, list[float]] = Field(description="by name, such as 'train' and 'eval'; one value an epoch")
    importance: list[Importance] = Field(description="the most important first")

    @property
    def decides(self) -> Metric | None:
        """The metric that decides whether a candidate is good enough; None where it has no value."""
        name = TASKS[self.task].decides.name
        return next((metric for metric in self.metrics if metric.name == name), None)

    @property
    def naive_is_as_good(self) -> Metric | None:
        """The first metric by which the naive answer is as good as the candidate; None: the candidate is better by each."""
        signs = {"higher": 1, "lower": -1}
        return next(
            (
                metric
                for metric in self.metrics
                if metric.naive is not None and (sign := signs.get(metric.better))
                if sign * metric.candidate.value <= sign * metric.naive
            ),
            None,
        )


class VariantFacts(Part):
    """A file for phones."""

    name: str
    kilobytes: float
    ships: bool
    rows: int = Field(description="that were compared with the server's model")
    largest: float | None = Field(description="difference of an answer; None: it is no number, as where an answer is NaN")
    mean: float | None
    limit: float | None
    row_us: float | None = Field(default=None, description="microseconds a row here, one a call, median")


class PhoneFacts(Part):
    """The model for phones."""

    variants: list[VariantFacts]
    blessed: bool
    reason: str = Field(description="why it was not blessed")
    changes: dict[str, float] = Field(default={}, description="largest difference of each metric in a slice, from the server's")


class ArtifactFacts(Part):
    """An artifact in the run's lineage."""

    node: str
    key: str
    type: str
    uri: str
    sha256: str = Field(description="of its files' names and sums; empty if the folder is gone or empty")
    used_by: list[str] = Field(description="nodes")


class RunFacts(Part):
    """All of a run."""

    schema_version: Literal[1] = 1
    run: str = Field(description="its name, as in the metadata store")
    model: str
    problem: str = Field(default="", description="its folder, for commands; empty: the one that they take by default")
    span: str
    started: str = Field(description="ISO 8601, UTC")
    seconds: float
    outcome: Ending
    headline: str = Field(description="one sentence: what happened, and why")
    version: int | None = Field(description="in production after the run; None if there is none")
    waiting: int | None = Field(default=None, description="published, but models.config has `version` in production")
    gates: list[GateFacts] = []
    steps: list[Advice] = Field(default=[], description="what to do next")
    log: str = Field(default="", description="file of the run's log; empty: there is none")
    published: str = Field(default="", description="folder of the version that the run published")
    in_production: str = Field(default="", description="folder that is served after the run, as the run knew it")
    nodes: list[Node] = Field(description="in the order in which they run")
    data: DataFacts | None
    drift: drift_report.Report | None
    candidate: ModelFacts | None
    phone: PhoneFacts | None
    server: CanaryReport | None
    lineage: list[ArtifactFacts]
    configuration: dict[str, Any]
    environment: dict[str, str] = Field(description="versions of Python and packages, the git commit, the machine")
    reproduce: list[str] = Field(description="shell commands")

    @property
    def block(self) -> str:
        """The unit of time that the bootstrap draws rows in, "day" or "hour"; empty if the rows have no date."""
        return block_called(self.span) if self.data and self.data.days else ""


def read(folder: Path) -> RunFacts:
    """Read the facts beside a run's page. Raises OSError, ValueError."""
    return RunFacts.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
