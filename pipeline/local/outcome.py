"""The outcome of a run, in one record for the terminal, `retrain.log` and notifications."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from components.shared import advice, drift_report
from components.shared.nodes import NodeId, Output

if TYPE_CHECKING:  # it imports ml_metadata, which --help does not wait for
    from pipeline.local.record import Outputs

# Each is an `Exit` in lower case: of the run, and of the tick that the run ends.
ExitName = Literal[
    "published", "not_blessed", "stable", "data_rejected", "limit_exceeded", "wrong_setting", "busy", "interrupted", "failed"
]


class Outcome(BaseModel):
    """The outcome of one run of one span."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span: str
    problem: str = ""  # as `components.shared.commands` takes it
    outcome: ExitName
    reason: str = ""  # why nothing new was published
    mobile: str = ""  # why the phone's model was not published although the server's was
    version: int | None = None  # published, else in production; None without a decision
    in_production: int | None = None  # after the run; not `version` if that waits for a promotion; None likewise
    unreported: str = ""  # why its report failed, on which nothing depends
    drift: str = ""  # the DriftMonitor's verdict
    drift_reasons: list[str] = []
    seconds: float = 0.0

    @property
    def decided(self) -> bool:
        """Whether the run came to its end, published or not, so that the span is done."""
        return self.outcome in ("published", "not_blessed", "stable")

    @property
    def promotion(self) -> advice.Advice | None:
        """The step that puts the published version into production; None if it is there."""
        if self.outcome != "published" or not self.version or not self.in_production or self.in_production == self.version:
            return None
        return advice.promotion(self.in_production, self.version, phones=not self.mobile, problem=self.problem)

    @property
    def waits(self) -> str:
        """`promotion` in one line; empty if there is nothing to do."""
        return f"{self.promotion.text} {self.promotion.command}" if self.promotion else ""


def of(span: str, outputs: "Outputs", seconds: float, problem: str = "", unreported: str = "") -> Outcome:
    """Read the outcome of a run that came to its end from the artifacts that it left.

    Args:
        span: that it ran.
        outputs: of its nodes.
        seconds: that it took.
        problem: as `components.shared.commands` takes it.
        unreported: why its report failed; empty if it did not.
    """
    drift = drift_report.read(Output.DRIFT.of(outputs).uri)
    version = in_production = drift.reference.version if drift.reference else None
    mobile = ""
    if NodeId.PUBLISHER in outputs:
        pushed = Output.PUSHED_MODEL.of(outputs).custom_properties
        result: ExitName = "published" if pushed["pushed"].int_value else "not_blessed"
        reason = pushed["reason"].string_value
        if NodeId.MOBILE_PUBLISHER in outputs:
            mobile = Output.MOBILE_PUSHED_MODEL.of(outputs).custom_properties["reason"].string_value
        in_production = pushed["in_production"].int_value or pushed["version"].int_value or in_production
        # Where nothing is new, this very model may stand beside the one in production.
        version = pushed["version"].int_value if result == "published" else in_production
    else:
        result, reason = "stable", f"version {in_production} stays, since no check in drift.retrain_on fired"
    return Outcome(
        span=span,
        problem=problem,
        outcome=result,
        reason=reason,
        mobile=mobile if result == "published" else "",
        version=version,
        in_production=in_production,
        unreported=unreported,
        drift=drift.verdict,
        drift_reasons=drift.reasons,
        seconds=round(seconds, 1),
    )
