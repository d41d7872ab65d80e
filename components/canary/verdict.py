"""Decide whose fault it is: the model's, which is refused, or the machine's, which says nothing of the model. Pure functions.

A trouble is the model's if it comes again in each of three fresh servers, while a reference that is served by the same command,
and asked for the same rows in turn with it, has none of its kind. Some are so clear that one try is enough, see `_certain`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.canary import checks
from components.canary.checks import Request, ServingLimits
from components.shared.canary_report import CanaryReport

TRIES = 3
CHANCE = 1e-3  # that a busy machine hits one of two equal models so much more often than the other
FAULT, ANSWERS, SLOW, SLOWER = "fault", "answers", "max_p99_ms", "max_slowdown"  # kinds of trouble; others: `checks.of_memory`
PRODUCTION, CONSTANT = "the model in production", "a model that does nothing"


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


@dataclass
class Try:
    """What one pair of fresh servers did.

    Attributes:
        reference: PRODUCTION or CONSTANT, beside the candidate.
        candidate, beside: answers of candidate and reference, in turn: as many of each, but for the last request.
        fault, fault_beside: what ended the replay, of either.
        report: on the candidate's answers and memory; None after a fault.
        peak_beside: of the reference's memory, in megabytes; None if unknown.
    """

    reference: str
    candidate: list[Request] = field(default_factory=list)
    beside: list[Request] = field(default_factory=list)
    fault: Fault | None = None
    fault_beside: Fault | None = None
    report: CanaryReport | None = None
    peak_beside: float | None = None

    def troubles(self, limits: ServingLimits) -> dict[str, str]:
        """Say what is wrong with the candidate, in words by the kind."""
        if self.fault:
            return {FAULT: str(self.fault)}
        found = {}
        if self.report and self.report.reasons:
            found[ANSWERS] = "; ".join(self.report.reasons)
        if self.report:
            found |= checks.of_memory(self.candidate, self.report.peak_mb or 0, limits)
        return found | self._slow(limits)

    def troubles_beside(self, limits: ServingLimits) -> dict[str, str]:
        """Say the same of the reference; its latency is compared by `_slow_alone`."""
        fault = {FAULT: str(self.fault_beside)} if self.fault_beside else {}
        return fault | checks.of_memory(self.beside, self.peak_beside or 0, limits)

    def _slow(self, limits: ServingLimits) -> dict[str, str]:
        """Say which limits of latency the candidate exceeds."""
        if not self.candidate:
            return {}
        found = {}
        p50, p99 = checks.latency(self.candidate)
        beside50, beside99 = checks.latency(self.beside) if self.beside else (math.nan, math.nan)
        if p99 > limits.max_p99_ms:
            slowest = max(checks.measured(self.candidate), key=lambda request: request.milliseconds)
            found[SLOW] = (
                f"p99 of the latency is {p99:.1f} ms, that of {self.reference} {beside99:.1f} ms; limit "
                f"{limits.max_p99_ms:g}. Slowest: {slowest.name()}, {slowest.milliseconds:.0f} ms"
            )
        if (self.slowdown() or 0) > limits.max_slowdown:
            found[SLOWER] = (
                f"the median of the latency is {p50:.1f} ms, that of {self.reference} {beside50:.1f} ms; limit "
                f"{limits.max_slowdown:g} times as much"
            )
        return found

    def slowdown(self) -> float | None:
        """Return the candidate's latency as a multiple of production's, request by request: a busy machine slows both."""
        if self.reference != PRODUCTION or self.fault_beside or not (self.candidate and self.beside):
            return None
        pairs = zip(checks.measured(self.candidate), checks.measured(self.beside), strict=False)
        return float(np.median([one.milliseconds / other.milliseconds for one, other in pairs]))

    def words(self, limits: ServingLimits) -> str:
        """Say what is wrong with the candidate; empty: nothing."""
        return "; ".join(self.troubles(limits).values())

    def words_beside(self, limits: ServingLimits) -> str:
        """Say what is wrong with the reference; empty: nothing."""
        return "; ".join(self.troubles_beside(limits).values())


def verdict(tries: Sequence[Try], limits: ServingLimits) -> CanaryReport | None:
    """Conclude from the tries, in a report with the reasons if the candidate is refused; None: not yet."""
    last = tries[-1]
    wrong = last.troubles(limits)
    reasons = [words for kind, words in wrong.items() if _certain(kind, tries, limits)]
    if not reasons:
        again = f"So it was in each of {len(tries)} tries, and {last.reference} beside it had no such trouble"
        reasons = [f"{words}. {again}" for kind, words in wrong.items() if _lasting(kind, tries, limits)]
    if wrong and not reasons:
        return None
    found = last.report or CanaryReport(requests=len(last.candidate))
    p50, p99 = checks.latency(last.candidate) if last.candidate else (None, None)
    beside50, beside99 = checks.latency(last.beside) if last.beside else (None, None)
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
            "passed_over": [each.words(limits) for each in tries[:-1]],
        }
    )


def _certain(kind: str, tries: Sequence[Try], limits: ServingLimits) -> bool:
    """Tell whether what the last try found wrong is the candidate's fault, without another try."""
    last = tries[-1]
    if kind == ANSWERS:
        return True
    by_nature = bool(last.fault and last.fault.of_model) if kind == FAULT else kind not in (SLOW, SLOWER)
    return by_nature and not last.fault_beside and not _shared(kind, tries, limits)


def _lasting(kind: str, tries: Sequence[Try], limits: ServingLimits) -> bool:
    """Tell whether all tries found this wrong, and it is the candidate's fault."""
    if len(tries) < TRIES or not all(kind in each.troubles(limits) for each in tries) or _shared(kind, tries, limits):
        return False
    if kind == SLOW:
        return _slow_alone([each for each in tries if not each.fault_beside], limits.max_p99_ms)
    return kind == SLOWER or (kind == FAULT and not any(each.fault and each.fault.of_machine for each in tries))


def _shared(kind: str, tries: Sequence[Try], limits: ServingLimits) -> bool:
    """Tell whether a reference had that trouble too, in any try, or one that may have the same cause.

    A model in production that rejects requests it does not know (`of_model`) may still be compared in all but faults.
    """
    ended = any(each.fault_beside and not each.fault_beside.of_model for each in tries)
    return ended or any(kind in each.troubles_beside(limits) for each in tries)


def _slow_alone(tries: Sequence[Try], limit: float) -> bool:
    """Tell whether the candidate exceeds a limit of milliseconds where the reference keeps it, more often than by chance."""
    over, over_beside, asked = 0, 0, 0
    for each in tries:
        over += sum(request.milliseconds > limit for request in checks.measured(each.candidate))
        over_beside += sum(request.milliseconds > limit for request in checks.measured(each.beside))
        asked += len(checks.measured(each.beside))
    return over_beside <= asked / 100 and by_chance(over, over + over_beside) < CHANCE


def by_chance(heads: int, tosses: int) -> float:
    """Return the chance of at least so many heads of a fair coin: the sign test's p-value."""
    return sum(math.comb(tosses, count) for count in range(heads, tosses + 1)) / 2**tosses
