"""Whose doing it is: the model's, which is refused for it, or the machine's, which says nothing of the model. Pure functions.

A fault is the model's if it comes again in each of three fresh servers, while a reference that is served by the same command,
and asked the same rows in turn with it, has none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.canary import checks
from components.canary.checks import Limits, Report, Request

TRIES = 3
CHANCE = 1e-3  # that a busy machine strikes one of two equal models so much more often than the other
PRODUCTION, CONSTANT = "the model in production", "a model that does nothing"


class Fault(Exception):
    """A server gave no answer to go on with.

    Attributes:
        of_machine: by its nature, as when the kernel kills for lack of memory.
        of_model: by its nature, as an answer that says what is wrong with the request.
    """

    def __init__(self, words: str, *, of_machine: bool = False, of_model: bool = False):
        super().__init__(words)
        self.of_machine, self.of_model = of_machine, of_model


@dataclass
class Try:
    """What one pair of fresh servers did.

    Attributes:
        reference: PRODUCTION or CONSTANT, beside the candidate.
        candidate, beside: their answers, in turn: as many, but for the last request.
        fault, fault_beside: what ended the replay, of either.
        report: of the candidate's answers and memory; None after a fault.
    """

    reference: str
    candidate: list[Request] = field(default_factory=list)
    beside: list[Request] = field(default_factory=list)
    fault: Fault | None = None
    fault_beside: Fault | None = None
    report: Report | None = None

    def slow(self, limits: Limits) -> str:
        """Which limit of latency the candidate exceeds, in words; empty: none."""
        if not self.candidate:
            return ""
        p50, p99 = checks.latency(self.candidate)
        beside50, beside99 = checks.latency(self.beside) if self.beside else (math.nan, math.nan)
        if p99 > limits.max_p99_ms:
            slowest = max(checks.measured(self.candidate), key=lambda request: request.milliseconds)
            return (
                f"p99 of the latency is {p99:.1f} ms, that of {self.reference} {beside99:.1f} ms; limit "
                f"{limits.max_p99_ms:g}. Slowest: {slowest.name()}, {slowest.milliseconds:.0f} ms"
            )
        if (self.slowdown() or 0) > limits.max_slowdown:
            return (
                f"the median of the latency is {p50:.1f} ms, that of {self.reference} {beside50:.1f} ms; limit "
                f"{limits.max_slowdown:g} times as much"
            )
        return ""

    def slowdown(self) -> float | None:
        """How many times production's latency the candidate's is, request by request: a busy machine slows both."""
        if self.reference != PRODUCTION or not self.beside:
            return None
        pairs = zip(checks.measured(self.candidate), checks.measured(self.beside), strict=False)
        return float(np.median([one.milliseconds / other.milliseconds for one, other in pairs]))

    def words(self, limits: Limits) -> str:
        """What is wrong with the candidate; empty: nothing."""
        return str(self.fault or "") or "; ".join(self.report.reasons if self.report else []) or self.slow(limits)


def verdict(tries: Sequence[Try], limits: Limits) -> Report | None:
    """What the tries say of the candidate, whose report has the reasons if it is refused; None: nothing yet."""
    last = tries[-1]
    wrong = last.words(limits)
    certain = bool(last.fault and last.fault.of_model) or bool(last.report and last.report.reasons)
    again = len(tries) >= TRIES and all(each.words(limits) for each in tries)
    if wrong and not certain and not (again and _of_model(tries, limits)):
        return None
    found = last.report or Report(requests=len(last.candidate))
    p50, p99 = checks.latency(last.candidate) if last.candidate else (None, None)
    beside50, beside99 = checks.latency(last.beside) if last.beside else (None, None)
    reasons = found.reasons or ([wrong] if wrong else [])
    if again and not certain:
        reasons = [f"{wrong}. So it was in each of {len(tries)} tries, and {last.reference} beside it had no such trouble"]
    return found.model_copy(
        update={
            "p50_ms": p50,
            "p99_ms": p99,
            "reference": last.reference,
            "reference_p50_ms": beside50,
            "reference_p99_ms": beside99,
            "slowdown": last.slowdown(),
            "reasons": reasons,
            "tries": len(tries),
            "passed_over": [each.words(limits) or str(each.fault_beside) for each in tries[:-1]],
        }
    )


def _of_model(tries: Sequence[Try], limits: Limits) -> bool:
    """Whether what all tries found wrong is the candidate's doing."""
    if any(each.fault and each.fault.of_machine for each in tries):
        return False
    # Production itself may be at fault once: what stands beside the candidate after that is the constant model.
    apart = [each for each in tries if not each.fault_beside]
    if len(apart) < TRIES - 1:
        return False
    late = [each for each in apart if not each.fault]
    slower = all((each.slowdown() or 0) > limits.max_slowdown for each in late)  # also where all tries ended in a fault
    return slower or _alone_late(late, limits.max_p99_ms)


def _alone_late(tries: Sequence[Try], limit: float) -> bool:
    """Whether the candidate exceeds a limit of milliseconds where the reference keeps it, more often than by chance."""
    late, late_beside, asked = 0, 0, 0
    for each in tries:
        late += sum(request.milliseconds > limit for request in checks.measured(each.candidate))
        late_beside += sum(request.milliseconds > limit for request in checks.measured(each.beside))
        asked += len(checks.measured(each.beside))
    return late_beside <= asked / 100 and by_chance(late, late + late_beside) < CHANCE


def by_chance(heads: int, tosses: int) -> float:
    """The chance of at least so many heads of a fair coin: the sign test's p-value."""
    return sum(math.comb(tosses, count) for count in range(heads, tosses + 1)) / 2**tosses
