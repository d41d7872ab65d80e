"""The Canary's report: `canary.json` beside its blessing."""

from pathlib import Path

from pydantic import BaseModel

FILE = "canary.json"


class CanaryReport(BaseModel):
    """What the Canary saw. Without memory and difference if a fault ended the replay."""

    requests: int = 0  # that were answered
    p50_ms: float | None = None  # latency, median and 99th percentile
    p99_ms: float | None = None
    peak_mb: float | None = None  # of the memory
    growth_mb: float | None = None  # of the memory from the first measured request to the last
    difference: float | None = None  # the largest, of a score from the one that was evaluated
    reasons: list[str] = []  # why the candidate is refused; empty if it is not
    reference: str = ""  # which model was asked beside it, in words
    reference_p50_ms: float | None = None
    reference_p99_ms: float | None = None
    slowdown: float | None = None  # latency as a multiple of production's, median over requests; None beside another model
    tries: int = 1  # fresh servers that it took to decide
    passed_over: list[str] = []  # what earlier tries saw that did not come again, or was not the model's doing


def read(folder: str) -> CanaryReport:
    """Read the report in a blessing's folder."""
    return CanaryReport.model_validate_json((Path(folder) / FILE).read_text(encoding="utf-8"))
