"""Decide whose fault it is: the model's, which is refused, or the machine's, which says nothing of the model. Pure functions.

A trouble is the model's if it comes again in each of three fresh servers, while a reference that is served by the same command,
and asked for the same rows in turn with it, has none of its kind. Some are so clear that one try is enough, see `_certain`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.canary.checks import FAULT, Replay, ServingLimits
from components.shared.canary_report import CanaryReport

TRIES = 3
CHANCE = 1e-3  # that a busy machine hits one of two equal models so much more often than the other
ANSWERS, SLOW, SLOWER = "answers", "max_p99_ms", "max_slowdown"  # kinds of trouble, beside those of a `Replay`
PRODUCTION, CONSTANT = "the model in production", "a model that does nothing"


@dataclass
class Try:
    """What one pair of fresh servers did, asked in turn: of each as many answers, but for the last request."""

    reference: str  # PRODUCTION or CONSTANT
    limits: ServingLimits
    candidate: Replay = field(default_factory=Replay)
    beside: Replay = field(default_factory=Replay)  # of the reference
    answers: str = ""  # what is wrong with the candidate's
    difference: float | None = None  # the largest, from what was evaluated

    def troubles(self) -> dict[str, str]:
        """Say what is wrong with the candidate, in words by the kind."""
        if self.candidate.fault:
            return {FAULT: str(self.candidate.fault)}
        answers = {ANSWERS: self.answers} if self.answers else {}
        return answers | self.candidate.troubles(self.limits) | self._slow()

    @property
    def fault_of_machine(self) -> bool:
        """Whether the candidate had a fault that is the machine's by its nature."""
        return self.candidate.fault is not None and self.candidate.fault.of_machine

    def _slow(self) -> dict[str, str]:
        """Say which limits of latency the candidate exceeds; the reference's latency is compared by `_slow_alone`."""
        found = {}
        p50, p99 = (each or 0 for each in self.candidate.latency())
        beside50, beside99 = (math.nan if each is None else each for each in self.beside.latency())
        if p99 > self.limits.max_p99_ms:
            slowest = max(self.candidate.measured, key=lambda request: request.milliseconds)
            found[SLOW] = (
                f"p99 of the latency is {p99:.1f} ms, that of {self.reference} {beside99:.1f} ms; limit "
                f"{self.limits.max_p99_ms:g}. Slowest: {slowest}, {slowest.milliseconds:.0f} ms"
            )
        if (self.slowdown() or 0) > self.limits.max_slowdown:
            found[SLOWER] = (
                f"the median of the latency is {p50:.1f} ms, that of {self.reference} {beside50:.1f} ms; limit "
                f"{self.limits.max_slowdown:g} times as much"
            )
        return found

    def slowdown(self) -> float | None:
        """Return the candidate's latency as a multiple of production's, request by request: a busy machine slows both."""
        if self.reference != PRODUCTION or self.beside.fault or not (self.candidate.requests and self.beside.requests):
            return None
        pairs = zip(self.candidate.measured, self.beside.measured, strict=False)
        return float(np.median([one.milliseconds / other.milliseconds for one, other in pairs]))


def verdict(tries: Sequence[Try]) -> CanaryReport | None:
    """Conclude from the tries, in a report with the reasons if the candidate is refused; None: not yet."""
    last = tries[-1]
    wrong = last.troubles()
    reasons = [words for kind, words in wrong.items() if _certain(kind, tries)]
    if not reasons:
        again = f"So it was in each of {len(tries)} tries, and {last.reference} beside it had no such trouble"
        reasons = [f"{words}. {again}" for kind, words in wrong.items() if _lasting(kind, tries)]
    if wrong and not reasons:
        return None
    p50, p99 = last.candidate.latency()
    beside50, beside99 = last.beside.latency()
    return CanaryReport(
        requests=len(last.candidate.requests),
        p50_ms=p50,
        p99_ms=p99,
        peak_mb=None if last.candidate.fault else last.candidate.peak,
        growth_mb=None if last.candidate.fault else last.candidate.growth(),
        difference=last.difference,
        reasons=reasons,
        reference=last.reference,
        reference_p50_ms=beside50,
        reference_p99_ms=beside99,
        slowdown=last.slowdown(),
        tries=len(tries),
        passed_over=["; ".join(each.troubles().values()) for each in tries[:-1]],
    )


def _certain(kind: str, tries: Sequence[Try]) -> bool:
    """Tell whether what the last try found wrong is the candidate's fault, without another try."""
    if kind == ANSWERS:
        return True
    last = tries[-1]
    by_nature = last.candidate.fault.of_model if last.candidate.fault else kind not in (SLOW, SLOWER)
    return by_nature and not last.beside.fault and not _shared(kind, tries)


def _lasting(kind: str, tries: Sequence[Try]) -> bool:
    """Tell whether all tries found this wrong, and it is the candidate's fault."""
    if len(tries) < TRIES or _shared(kind, tries) or not all(kind in each.troubles() for each in tries):
        return False
    if kind == SLOW:
        return _slow_alone([each for each in tries if not each.beside.fault])
    return kind in (SLOWER, FAULT) and not any(each.fault_of_machine for each in tries)


def _shared(kind: str, tries: Sequence[Try]) -> bool:
    """Tell whether a reference had that trouble too, in any try, or one that may have the same cause.

    A model in production that rejects requests it does not know (`of_model`) may still be compared in all but faults.
    """
    ended = any(each.beside.fault and not each.beside.fault.of_model for each in tries)
    return ended or any(kind in each.beside.troubles(each.limits) for each in tries)


def _slow_alone(tries: Sequence[Try]) -> bool:
    """Tell whether the candidate exceeds the limit of p99 where the reference keeps it, more often than by chance."""
    over = sum(each.candidate.above(each.limits.max_p99_ms) for each in tries)
    over_beside = sum(each.beside.above(each.limits.max_p99_ms) for each in tries)
    asked = sum(len(each.beside.measured) for each in tries)
    return over_beside <= asked / 100 and by_chance(over, over + over_beside) < CHANCE


def by_chance(heads: int, tosses: int) -> float:
    """Return the chance of at least so many heads of a fair coin: the sign test's p-value."""
    return sum(math.comb(tosses, count) for count in range(heads, tosses + 1)) / 2**tosses
