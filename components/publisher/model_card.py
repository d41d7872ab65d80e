"""The model card of a published version, for people: what the model is for, what made it, how good it is, and where not.

Its parts are those of Mitchell et al. (2019), "Model Cards for Model Reporting". It states no version number: a rollback
publishes the same model, with the same card, under another one. The phone's file has a card of another kind, for its form
(`components.shared.phone.card`).
"""

import math
import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.model_store.manifest import Facts
from components.shared import drift_report, problem_folder
from components.shared.documents import Part, problems
from components.shared.errors import BadConfig
from components.shared.metric_names import OVERALL, ROWS
from components.shared.tfdv_statistics import by_name, missing_share

MIN_SLICE_ROWS = 100  # of a slice that is shown: the AUC of fewer, with a quarter of positives, is 0.13 uncertain
TOP_VALUES = 3
PLACEHOLDER = re.compile(r"<\S+ .*>")  # of several words: Markdown has links of one

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(lambda text: " ".join(text.split()))
]
Texts = Annotated[list[Text], Field(min_length=1)]


class Description(Part):
    """The part that no data tell: written by a person, as Markdown, in the file that `publish.card` names."""

    summary: Text = Field(description="what the model answers, from what, and how")
    owners: Texts = Field(description="who answers for it, and how they are reached")
    license: Text
    uses: Texts = Field(description="intended uses")
    users: Texts = Field(description="intended users")
    out_of_scope: Texts = Field(description="what it must not be used for")
    factors: Text = Field(description="which groups it is measured on, and why these")
    training_data: Text = Field(description="where the rows come from, and what the label is")
    evaluation_data: Text = Field(description="how the evaluation split is made, and what it stands for")
    ethics: Texts = Field(description="whom a wrong answer harms, and what was done about it")
    limits: Texts = Field(description="what is known to be wrong, missing or untried")

    @property
    def to_write(self) -> list[str]:
        """Names of the texts that are still placeholders, such as `<name and address of who answers for it>`."""
        stated = {name: getattr(self, name) for name in type(self).model_fields}
        texts = {name: [value] if isinstance(value, str) else value for name, value in stated.items()}
        return [name for name, each in texts.items() if any(map(PLACEHOLDER.fullmatch, each))]


class Column(Part):
    """A column of the training split, the label's included."""

    name: str
    kind: Literal["integer", "number", "text"]
    missing: float = Field(description="share of rows")
    mean: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    distinct: int | None = Field(default=None, description="values of a text")
    top: dict[str, float] = Field(default={}, description="share of the rows of a text's most frequent values")


class SliceOfCard(Part):
    """Metrics of the evaluation rows that have one value of a feature."""

    factor: str = Field(description="the feature")
    name: str = Field(description="as in shop=books")
    rows: int
    metrics: dict[str, float]


class SmallSlices(Part):
    """A feature's slices that are too small for their metrics to mean something."""

    factor: str
    slices: int
    rows: int


class DriftOfCard(Part):
    """The newest span compared with what the previous model in production had learned from."""

    verdict: drift_report.DriftVerdict
    window: list[str] = Field(description="spans that the model before was trained on; empty: there was none")
    reasons: list[str]


class VersionCard(Part):
    """All of a card. The Markdown shows it (`components.publisher.markdown`)."""

    schema_version: Literal[1] = 1
    model: str
    created: str = Field(description="ISO 8601, UTC")
    git_commit: str
    tensorflow: str = Field(description="TensorFlow's version")
    description: Description
    span: str
    window: list[str] = Field(description="spans that it was trained on and evaluated with")
    rows: dict[str, int] = Field(description="by split")
    findings: list[str] = Field(description="of the data's checks, as sentences; none of them stopped the run")
    columns: list[Column]
    metrics: dict[str, float] = Field(description="over all evaluation rows, by TFMA's names")
    before: dict[str, float] = Field(description="of the model that was in production, on the same rows; empty: there was none")
    slices: list[SliceOfCard] = Field(description=f"of {MIN_SLICE_ROWS} rows or more, the largest of each factor first")
    small_slices: list[SmallSlices]
    drift: DriftOfCard
    configuration: dict[str, dict[str, Any]] = Field(description="all settings, by section")


def read(path: Path) -> Description:
    """Read the part that a person writes. Raises BadConfig."""
    try:
        return Description.model_validate(problem_folder.tables(path))
    except ValueError as error:  # BadConfig is one
        raise BadConfig(
            f"{path} does not describe the model for its card: {problems(error)}. Expected TOML with a text or a list of "
            f"texts for each of {', '.join(Description.model_fields)}. Correct that line; publish.card names the file."
        ) from error


def to_be_written(description: Description) -> str:
    """Say which texts a person has still to write; empty if none."""
    names = ", ".join(description.to_write)
    return f"the model's card has placeholders for {names}: write them, and run the span again" if names else ""


def build(
    description: Description,
    facts: Facts,
    *,
    before: Mapping[str, float],
    drift: drift_report.Report,
    findings: Iterable[object],
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
) -> VersionCard:
    """Make the card from what a person wrote, the facts of the manifest, and what the run has found.

    `before` are metrics of the model in production on the same evaluation rows, empty if there was none; each finding is a
    sentence as text; the statistics are TFDV's, of the training split.
    """
    slices = [
        SliceOfCard(factor=name.partition("=")[0], name=name, rows=round(values[ROWS]), metrics=_without_rows(values))
        for name, values in facts.metrics.items()
        if name != OVERALL
    ]
    return VersionCard(
        **facts.model_dump(include={"model", "created", "git_commit", "tensorflow", "span", "window", "rows", "configuration"}),
        description=description,
        findings=[str(each) for each in findings],
        columns=columns(statistics),
        metrics=_without_rows(facts.overall),
        before=_without_rows(before),
        slices=sorted((each for each in slices if each.rows >= MIN_SLICE_ROWS), key=lambda each: (each.factor, -each.rows)),
        small_slices=_summed_up([each for each in slices if each.rows < MIN_SLICE_ROWS]),
        drift=DriftOfCard(
            verdict=drift.verdict, window=drift.reference.window if drift.reference else [], reasons=list(drift.reasons)
        ),
    )


def columns(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> list[Column]:
    """List the columns of numbers and of texts that TFDV has counted, by name."""
    features = sorted(by_name(statistics.datasets[0]).items())
    return [*filter(None, (_column(name, feature) for name, feature in features))]


def _column(name: str, feature: statistics_pb2.FeatureNameStatistics) -> Column | None:
    missing = missing_share(feature)
    if feature.HasField("num_stats"):
        numbers = feature.num_stats
        return Column(
            name=name,
            kind="integer" if feature.type == statistics_pb2.FeatureNameStatistics.INT else "number",
            missing=missing,
            mean=_finite(numbers.mean),
            minimum=_finite(numbers.min),
            maximum=_finite(numbers.max),
        )
    if feature.HasField("string_stats"):
        texts = feature.string_stats
        counted = max(texts.common_stats.num_non_missing, 1)
        return Column(
            name=name,
            kind="text",
            missing=missing,
            distinct=texts.unique,
            top={top.value: top.frequency / counted for top in texts.top_values[:TOP_VALUES]},
        )
    return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _without_rows(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics by name without the rows: TFMA's order differs from run to run."""
    return {name: value for name, value in sorted(metrics.items()) if name != ROWS}


def _summed_up(slices: list[SliceOfCard]) -> list[SmallSlices]:
    factors = groupby(sorted(slices, key=lambda each: each.factor), lambda each: each.factor)
    rows = {factor: [each.rows for each in found] for factor, found in factors}
    return [SmallSlices(factor=factor, slices=len(counts), rows=sum(counts)) for factor, counts in rows.items()]
