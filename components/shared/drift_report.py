"""The drift report: `report.json` of a DriftReport artifact. `Report.model_json_schema()` is its JSON Schema."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from components.shared.documents import Part

FILE = "report.json"
ARTIFACT = "crosswind.DriftReport"  # the type's name in ML Metadata

DriftKind = Literal["data", "label", "prediction", "concept", "skew"]
DriftVerdict = Literal["no_reference", "stable", "drifted", "decayed"]


class Check(Part):
    """One comparison of the newest span with the reference."""

    kind: DriftKind = Field(description="what may have moved: data, label, prediction, concept; or skew: what was served")
    feature: str = Field(default="", description="the feature, or empty for label, predictions and the model as a whole")
    measure: str = Field(description="what was measured, such as L-infinity, Jensen-Shannon divergence, missing share, AUC")
    value: float = Field(description="the measure; a difference or a distance unless it is a metric of the model")
    reference: float | None = Field(default=None, description="the same in the reference, where it is a figure")
    interval: tuple[float, float] | None = Field(default=None, description="95 % confidence interval of the value")
    limit: float = Field(description="the value at which it counts")
    verdict: Literal["stable", "drifted", "decayed"]
    reason: str = Field(default="", description="in words, why it is not stable")

    @property
    def name(self) -> str:
        """The name in `drift.block_push`: the kind, and the feature if it has one."""
        return f"{self.kind}:{self.feature}" if self.feature else self.kind


def checked(fires: bool, reason: str, verdict: Literal["drifted", "decayed"] = "drifted", **figures: Any) -> Check:
    """Make a check of figures, with a verdict other than stable and its reason if it fires."""
    return Check(verdict=verdict if fires else "stable", reason=reason if fires else "", **figures)


class Reference(Part):
    """The version in production, and what it was trained on."""

    model: str
    version: int
    span: str
    window: list[str]
    rows: int = Field(description="training rows")


class Report(Part):
    """All checks of one span."""

    schema_version: Literal[1] = 1
    span: str
    rows: int = Field(description="rows of the span")
    reference: Reference | None = Field(description="null: nothing is in production, so there is nothing to compare with")
    verdict: DriftVerdict
    reasons: list[str] = Field(description="a sentence for each check that is not stable, the gravest first")
    retrain: bool = Field(description="whether the policy wants a new model")
    blocked: list[str] = Field(description="reasons among these that stop a push")
    checks: list[Check]


def conclude(
    *,
    span: str,
    rows: int,
    reference: Reference | None,
    checks: Iterable[Check],
    retrain_on: list[str],
    block_push: list[str],
) -> Report:
    """Draw the verdict: "decayed" if any check says so, else "drifted" if any does, else "stable".

    The newest span, of so many rows, was compared with the reference; None if nothing is in production. `retrain_on` are kinds
    of checks that ask for a new model when they fire, "always" asks for one in any case; `block_push` are kinds, or
    `kind:feature`, that stop a push when they fire.
    """
    checks = list(checks)
    fired = sorted((check for check in checks if check.verdict != "stable"), key=lambda check: check.verdict != "decayed")
    verdict: DriftVerdict = "no_reference" if reference is None else fired[0].verdict if fired else "stable"
    wanted = "always" in retrain_on or reference is None or any(check.kind in retrain_on for check in fired)
    return Report(
        span=span,
        rows=rows,
        reference=reference,
        verdict=verdict,
        reasons=["no reference yet: nothing is in production"] if reference is None else [check.reason for check in fired],
        retrain=wanted,
        blocked=[check.reason for check in fired if {check.kind, check.name} & set(block_push)],
        checks=checks,
    )


def read(folder: str) -> Report:
    """Read the report of a DriftReport artifact."""
    return Report.model_validate_json((Path(folder) / FILE).read_text(encoding="utf-8"))
