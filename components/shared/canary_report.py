"""The Canary's report: `canary.json` beside its blessing."""

from pathlib import Path

from pydantic import BaseModel

FILE = "canary.json"


class CanaryReport(BaseModel):
    """What the Canary saw.

    Attributes:
        requests: how many were answered.
        p50_ms, p99_ms: latency in milliseconds, median and 99th percentile.
        peak_mb: peak of the memory, in megabytes; None, as the next two, if a fault ended the replay.
        growth_mb: growth of the memory from the first measured request to the last, in megabytes.
        difference: the largest, of a score from the one that was evaluated.
        reasons: why the candidate is refused; empty if it is not.
        reference: which model was asked beside it, in words.
        reference_p50_ms, reference_p99_ms: latency of the reference.
        slowdown: the candidate's latency as a multiple of production's, median over requests; None beside another model.
        tries: fresh servers that it took to decide.
        passed_over: what earlier tries saw that did not come again, or was not the model's doing.
    """

    requests: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    peak_mb: float | None = None
    growth_mb: float | None = None
    difference: float | None = None
    reasons: list[str] = []
    reference: str = ""
    reference_p50_ms: float | None = None
    reference_p99_ms: float | None = None
    slowdown: float | None = None
    tries: int = 1
    passed_over: list[str] = []


def read(folder: str) -> CanaryReport:
    """Read the report in a blessing's folder."""
    return CanaryReport.model_validate_json((Path(folder) / FILE).read_text(encoding="utf-8"))
