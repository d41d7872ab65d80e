"""What the Canary demands of a server's answers: pure functions."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel

FILE = "canary.json"
UNMEASURED = 20  # requests at the start, which pay for what is set up at the first call


class Failure(Exception):
    """The candidate failed, and there is no use in going on."""


class Request(BaseModel):
    """One request and what came of it.

    Attributes:
        number: from 1.
        protocol: "gRPC" or "REST".
        row: of the evaluation split, by number in the replay.
        score: the answer.
        milliseconds: that it took.
        memory: of the server afterwards, resident, in megabytes.
    """

    number: int
    protocol: str
    row: int
    score: float
    milliseconds: float
    memory: float

    def name(self) -> str:
        """For a message."""
        return f"request {self.number} ({self.protocol}, evaluation row {self.row})"


class Limits(BaseModel):
    """What a candidate must keep.

    Attributes:
        max_p99_ms: 99th percentile of the latency, one request at a time.
        max_memory_mb: peak of resident memory.
        max_growth_mb: of resident memory during the replay.
        max_difference: of a score from the one that was evaluated.
    """

    max_p99_ms: float
    max_memory_mb: float
    max_growth_mb: float
    max_difference: float


class Report(BaseModel):
    """What the Canary saw; `canary.json` beside its blessing.

    Attributes:
        requests: that were answered.
        p50_ms, p99_ms: latency.
        peak_mb: memory, peak.
        growth_mb: memory, from the first measured request to the last.
        difference: largest, of a score from the one that was evaluated.
        reasons: why the candidate is refused; none if it is not.
    """

    requests: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    peak_mb: float | None = None
    growth_mb: float | None = None
    difference: float | None = None
    reasons: list[str] = []


def read(folder: str) -> Report:
    """The report in a blessing's folder."""
    return Report.model_validate_json((Path(folder) / FILE).read_text(encoding="utf-8"))


def of_resources(requests: Sequence[Request], peak: float, limits: Limits) -> Report:
    """Answers, latency and memory, without the expected scores."""
    measured = requests[UNMEASURED:] or requests
    p50, p99 = np.percentile([request.milliseconds for request in measured], [50, 99])
    growth = measured[-1].memory - measured[0].memory
    reasons = []
    if wrong := [request for request in requests if not (math.isfinite(request.score) and 0 <= request.score <= 1)]:
        more = f"; {len(wrong)} of {len(requests)} in all" if len(wrong) > 1 else ""
        reasons.append(f"{wrong[0].name()} was answered with {wrong[0].score}, which is no probability{more}")
    if p99 > limits.max_p99_ms:
        slowest = max(measured, key=lambda request: request.milliseconds)
        reasons.append(
            f"p99 of the latency is {p99:.1f} ms; limit {limits.max_p99_ms:g}. "
            f"Slowest: {slowest.name()}, {slowest.milliseconds:.0f} ms"
        )
    if peak > limits.max_memory_mb:
        reasons.append(f"memory peaked at {peak:,.0f} MB; limit {limits.max_memory_mb:g}. {_step(requests)}")
    if growth > limits.max_growth_mb:
        reasons.append(f"memory grew by {growth:,.0f} MB; limit {limits.max_growth_mb:g}. {_step(measured)}")
    return Report(requests=len(requests), p50_ms=p50, p99_ms=p99, peak_mb=peak, growth_mb=growth, reasons=reasons)


def _step(requests: Sequence[Request]) -> str:
    """The request at which memory grew the most."""
    memory = np.array([request.memory for request in requests])
    if len(memory) < 2:  # noqa: PLR2004
        return "At the first request"
    at = int(np.argmax(np.diff(memory))) + 1
    return f"Most of it, {memory[at] - memory[at - 1]:,.0f} MB, at {requests[at].name()}"


def of_scores(report: Report, requests: Sequence[Request], expected: np.ndarray, limits: Limits) -> Report:
    """The same, with the difference from the scores that were evaluated, shape [rows]."""
    differences = np.array([abs(request.score - expected[request.row]) for request in requests])
    worst = int(np.argmax(differences))
    reasons = list(report.reasons)
    if not differences[worst] <= limits.max_difference:
        request = requests[worst]
        reasons.append(
            f"{request.name()} was answered with {request.score:.6f}, evaluated was {expected[request.row]:.6f}; "
            f"limit {limits.max_difference:g} apart"
        )
    return report.model_copy(update={"difference": float(differences[worst]), "reasons": reasons})
