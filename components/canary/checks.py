"""Check a server's answers for the Canary, in pure functions."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel

from components.shared.canary_report import CanaryReport

UNMEASURED = 20  # requests at the start, which include what is set up at the first call


class Request(BaseModel):
    """One request and its answer.

    Attributes:
        number: from 1.
        protocol: "gRPC" or "REST".
        row: of the evaluation split, by its number in the replay.
        score: the answer.
        milliseconds: time until the answer.
        memory: resident memory of the server afterwards, in megabytes.
    """

    number: int
    protocol: str
    row: int
    score: float
    milliseconds: float
    memory: float

    def name(self) -> str:
        return f"request {self.number} ({self.protocol}, evaluation row {self.row})"


class ServingLimits(BaseModel):
    """The limits that a candidate must keep.

    Attributes:
        max_p99_ms: 99th percentile of the latency in milliseconds, one request at a time.
        max_slowdown: median latency, as a multiple of production's in the same minute.
        max_memory_mb: peak of resident memory, in megabytes.
        max_growth_mb: growth of resident memory during the replay, in megabytes.
        max_difference: difference of a score from the one that was evaluated.
    """

    max_p99_ms: float
    max_slowdown: float
    max_memory_mb: float
    max_growth_mb: float
    max_difference: float


def measured(requests: Sequence[Request]) -> Sequence[Request]:
    """Select the requests whose latency and memory count."""
    return requests[UNMEASURED:] or requests


def latency(requests: Sequence[Request]) -> tuple[float, float]:
    """Return the median and the 99th percentile, in milliseconds."""
    p50, p99 = np.percentile([request.milliseconds for request in measured(requests)], [50, 99])
    return float(p50), float(p99)


def of_answers(requests: Sequence[Request], expected: np.ndarray, peak: float, limits: ServingLimits) -> CanaryReport:
    """Check what does not depend on the machine: answers are probabilities, the evaluated ones. Memory is only measured.

    Args:
        requests: those that were answered.
        expected: scores that were evaluated, shape [rows].
        peak: of the server's memory, in megabytes.
        limits: of the difference.
    """
    reasons = []
    if wrong := [request for request in requests if not (math.isfinite(request.score) and 0 <= request.score <= 1)]:
        more = f"; {len(wrong)} of {len(requests)} in all" if len(wrong) > 1 else ""
        reasons.append(f"{wrong[0].name()} was answered with {wrong[0].score}, which is no probability{more}")
    differences = np.array([abs(request.score - expected[request.row]) for request in requests])
    worst = requests[int(np.argmax(differences))]
    difference = float(np.max(differences))
    if not wrong and not difference <= limits.max_difference:
        reasons.append(
            f"{worst.name()} was answered with {worst.score:.6f}, evaluated was {expected[worst.row]:.6f}; "
            f"limit {limits.max_difference:g} apart"
        )
    return CanaryReport(
        requests=len(requests),
        peak_mb=peak,
        growth_mb=growth(requests),
        difference=difference if math.isfinite(difference) else None,
        reasons=reasons,
    )


def growth(requests: Sequence[Request]) -> float:
    """Return the growth of memory from the first measured request to the last, in megabytes."""
    return measured(requests)[-1].memory - measured(requests)[0].memory


def of_memory(requests: Sequence[Request], peak: float, limits: ServingLimits) -> dict[str, str]:
    """Say which limits of memory a server exceeds, in words by the limit.

    Args:
        requests: those that were answered.
        peak: in megabytes.
        limits: of memory.
    """
    found = {}
    if peak > limits.max_memory_mb:
        found["max_memory_mb"] = f"memory peaked at {peak:,.0f} MB; limit {limits.max_memory_mb:g}. {_step(requests)}"
    if requests and (grown := growth(requests)) > limits.max_growth_mb:
        step = _step(measured(requests))
        found["max_growth_mb"] = f"memory grew by {grown:,.0f} MB; limit {limits.max_growth_mb:g}. {step}"
    return found


def _step(requests: Sequence[Request]) -> str:
    """Name the request at which memory grew the most."""
    memory = np.array([request.memory for request in requests])
    if len(memory) < 2:  # noqa: PLR2004
        return "At the first request"
    at = int(np.argmax(np.diff(memory))) + 1
    return f"Most of it, {memory[at] - memory[at - 1]:,.0f} MB, at {requests[at].name()}"
