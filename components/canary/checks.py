"""What a model server answered, and checks of it. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pydantic import BaseModel

from components.shared import answers
from components.shared.tasks import Task

UNMEASURED = 20  # requests at the start, which include what is set up at the first call
FAULT, MEMORY, GROWTH = "fault", "max_memory_mb", "max_growth_mb"  # kinds of trouble of one server


class ServingLimits(BaseModel):
    """The limits that a candidate must keep."""

    max_p99_ms: float  # 99th percentile of the latency, one request at a time
    max_slowdown: float  # median latency, as a multiple of production's in the same minute
    max_memory_mb: float  # peak of resident memory
    max_growth_mb: float  # of resident memory during the replay
    max_difference: float  # of an answer from the one that was evaluated, as `answers.unit` states it


class Fault(Exception):
    """A server gave no answer to continue with.

    Attributes:
        of_machine: by its nature, as when the kernel kills for lack of memory.
        of_model: by its nature, as an answer that blames the request, if a reference has no fault: a wrong command makes such
            answers as well.
    """

    def __init__(self, words: str, *, of_machine: bool = False, of_model: bool = False):
        super().__init__(words)
        self.of_machine, self.of_model = of_machine, of_model


@dataclass(frozen=True)
class Request:
    """One request and its answer."""

    number: int  # from 1
    protocol: str
    row: int  # of the evaluation split, by its number in the replay
    score: np.ndarray  # the answer: a number, or one for each class
    milliseconds: float  # until the answer
    memory: float  # of the server afterwards, resident, in megabytes
    peak: float  # of that, up to then: a request may free what it took before anybody looks

    def __str__(self) -> str:
        return f"request {self.number} ({self.protocol}, evaluation row {self.row})"


@dataclass
class Replay:
    """What one server did."""

    requests: list[Request] = field(default_factory=list)  # those that it answered, in order
    fault: Fault | None = None  # what ended the replay
    peak: float = 0  # of its resident memory, in megabytes; 0 if unknown

    @property
    def measured(self) -> Sequence[Request]:
        """The requests whose latency and memory count."""
        return self.requests[UNMEASURED:] or self.requests

    def latency(self) -> tuple[float, float] | tuple[None, None]:
        """Return the median and the 99th percentile, in milliseconds; None without an answer."""
        if not self.requests:
            return None, None
        p50, p99 = np.percentile([request.milliseconds for request in self.measured], [50, 99])
        return float(p50), float(p99)

    def above(self, milliseconds: float) -> int:
        """Count the answers that took longer."""
        return len([request for request in self.measured if request.milliseconds > milliseconds])

    def growth(self) -> float:
        """Return the growth of memory from the first measured request to the last, in megabytes."""
        return self.measured[-1].memory - self.measured[0].memory if self.requests else 0

    def troubles(self, limits: ServingLimits) -> dict[str, str]:
        """Say which fault there was, and which limits of memory were exceeded, in words by the kind."""
        found = {FAULT: str(self.fault)} if self.fault else {}
        if self.peak > limits.max_memory_mb:
            found[MEMORY] = (
                f"memory peaked at {self.peak:,.0f} MB; limit {limits.max_memory_mb:g}. {_step(self.requests, 'peak')}"
            )
        if (grown := self.growth()) > limits.max_growth_mb:
            found[GROWTH] = f"memory grew by {grown:,.0f} MB; limit {limits.max_growth_mb:g}. {_step(self.measured, 'memory')}"
        return found


def _step(requests: Sequence[Request], measure: Literal["memory", "peak"]) -> str:
    """Name the request at which memory, or its peak, grew the most."""
    memory = np.array([getattr(request, measure) for request in requests])
    if len(memory) < 2:  # noqa: PLR2004
        return "At the first request"
    at = int(np.argmax(np.diff(memory))) + 1
    return f"Most of it, {memory[at] - memory[at - 1]:,.0f} MB, at {requests[at]}"


def of_answers(replay: Replay, expected: np.ndarray, limit: float, task: Task) -> tuple[str, float | None]:
    """Check what does not depend on the machine: answers are those of the task, the evaluated ones.

    Args:
        replay: at least one answer.
        expected: answers that were evaluated, shape [rows], or [rows, classes].
        limit: of the difference from them.
        task: of the model.

    Returns:
        What is wrong, empty if nothing is, and the largest difference, None if it is not finite.
    """
    requests = replay.requests
    of_requests = expected[[request.row for request in requests]]
    given = [request.score if request.score.shape == of_requests[0].shape else np.nan for request in requests]
    received = np.stack(np.broadcast_arrays(*given, of_requests[0])[:-1])
    differences = answers.differences(received, of_requests, answers.unit(task, expected))
    difference = float(np.max(differences))
    said = ""
    if wrong := [request for request, is_wrong in zip(requests, answers.wrong(task, received), strict=True) if is_wrong]:
        more = f"; {len(wrong)} of {len(requests)} in all" if len(wrong) > 1 else ""
        said = f"{wrong[0]} was answered with {_figures(wrong[0].score)}, which is no {task.called}{more}"
    elif not difference <= limit:
        at = int(np.argmax(differences))
        evaluated = f"evaluated was {_figures(of_requests[at])}; limit {limit:g} apart"
        apart = "" if task.bounded else ", in standard deviations of the answers"
        said = f"{requests[at]} was answered with {_figures(requests[at].score)}, {evaluated}{apart}"
    return said, difference if math.isfinite(difference) else None


def _figures(answer: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in answer.reshape(-1))
