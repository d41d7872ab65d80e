"""What came of a run, in one record: for the terminal, for `retrain.log`, for a notification."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from components.drift_monitor import report

if TYPE_CHECKING:  # it imports ml_metadata, which --help does not wait for
    from pipeline.record import Outputs

# Each is an `Exit` in lower case: that of the run, and of the tick that it ends.
Result = Literal[
    "published", "not_blessed", "stable", "data_rejected", "limit_exceeded", "wrong_setting", "busy", "interrupted", "failed"
]


class Outcome(BaseModel):
    """Of one run of one span."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span: str
    outcome: Result
    reason: str = ""  # why nothing new was published
    mobile: str = ""  # why the phone's model was not published although the server's was
    version: int | None = None  # published, else in production; None if it came to no decision
    drift: str = ""  # the DriftMonitor's verdict
    drift_reasons: list[str] = []
    seconds: float = 0.0

    @property
    def decided(self) -> bool:
        """Whether the span is done with: published or not, the run came to its end."""
        return self.outcome in ("published", "not_blessed", "stable")


def of(span: str, outputs: "Outputs", seconds: float) -> Outcome:
    """The outcome of a run that came to its end, from the artifacts that it left."""
    drift = report.read(outputs["DriftMonitor"]["report"].uri)
    in_production = drift.reference.version if drift.reference else None
    if "Publisher" in outputs:
        pushed = outputs["Publisher"]["pushed_model"].custom_properties
        result: Result = "published" if pushed["pushed"].int_value else "not_blessed"
        reason = pushed["reason"].string_value
        mobile = outputs["MobilePublisher"]["pushed_model"].custom_properties["reason"].string_value
        # Where nothing is new, the very model may be there beside the one in production.
        beside = 0 if result == "published" else pushed["in_production"].int_value
        in_production = beside or pushed["version"].int_value or in_production
    else:
        mobile = ""
        result, reason = "stable", f"version {in_production} stays, since no check in drift.retrain_on fired"
    return Outcome(
        span=span,
        outcome=result,
        reason=reason,
        mobile=mobile if result == "published" else "",
        version=in_production,
        drift=drift.verdict,
        drift_reasons=drift.reasons,
        seconds=round(seconds, 1),
    )
