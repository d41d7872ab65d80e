"""What the Canary saw: `canary.json` beside its blessing."""

from pathlib import Path

from pydantic import BaseModel

FILE = "canary.json"


class CanaryReport(BaseModel):
    """What the Canary saw; `canary.json` beside its blessing.

    Attributes:
        requests: that were answered.
        p50_ms, p99_ms: latency.
        peak_mb: memory, peak; None if a fault ended the replay, as are the next two.
        growth_mb: memory, from the first measured request to the last.
        difference: largest, of a score from the one that was evaluated.
        reasons: why the candidate is refused; none if it is not.
        reference: what was asked beside it, in words.
        reference_p50_ms, reference_p99_ms: its latency.
        slowdown: its latency as a multiple of production's, the median over the requests; None beside another reference.
        tries: fresh servers that it took to decide.
        passed_over: what the tries before the last one saw, which did not come again or was not the model's doing.
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
    """The report in a blessing's folder."""
    return CanaryReport.model_validate_json((Path(folder) / FILE).read_text(encoding="utf-8"))
