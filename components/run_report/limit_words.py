"""Put a limit in words: its value and its ends, with as many digits as tell them apart."""

from dataclasses import dataclass

from components.run_report.facts import Limit
from components.run_report.templating import DIGITS, amount

MOST_DIGITS = 17  # with so many, any two numbers differ


@dataclass(frozen=True)
class LimitWords:
    """The words for a value and its limit: "0.59996", and "at least 0.60000"."""

    value: str
    ends: str


def words(limit: Limit) -> LimitWords:
    """Word a limit. The value gets the digits that its nearest end needs; the ends are joined by "and"."""
    ends = [(word, end) for word, end in (("at least", limit.at_least), ("at most", limit.at_most)) if end is not None]
    digits = [_digits(limit, end) for _, end in ends]
    told = [f"{word} {amount(end, limit.unit, each)}" for (word, end), each in zip(ends, digits, strict=True)]
    return LimitWords(amount(limit.value, limit.unit, max(digits, default=DIGITS)), " and ".join(told))


def _digits(limit: Limit, end: float) -> int:
    """Return how many digits it takes until the value and this end are different texts."""
    if limit.value is None or limit.value == end:
        return DIGITS
    tried = range(DIGITS, MOST_DIGITS)
    texts = ((each, amount(limit.value, limit.unit, each), amount(end, limit.unit, each)) for each in tried)
    return next((each for each, value, other in texts if value != other), MOST_DIGITS)
