"""What is decided of a table's spans, and what a run makes of them. Pure; see `dated` and `undated`, which decide it."""

from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from components.shared.units import Unit


class Split(NamedTuple):
    """The size of a split."""

    rows: int
    rare: int  # rows with a label that is: a positive, the rarest class, a number above the median


@dataclass(frozen=True)
class Periods:
    """The spans of a table, all of one unit, and how a run takes and splits them."""

    unit: Unit
    names: tuple[str, ...]  # oldest first
    rows: tuple[int, ...]  # of each
    window: int  # spans that a model learns from
    max_gaps: int  # of them that may be absent
    windows: tuple[tuple[str, ...], ...]  # the spans that are there in each window that a run can take, oldest first
    train: tuple[Split, ...]  # of each window
    evaluation: tuple[Split, ...]
    eval_days: int = 0  # last days of a window that are evaluated, or
    eval_spans: int = 0  # its newest spans, or
    eval_share: float = 0.0  # where rows have no date, a share of them
    fewest_days: int = 0  # that have rows, in an evaluation
    left_out: tuple[str, ...] = ()  # spans with rows that are not used
    why_left_out: str = ""

    @property
    def first(self) -> tuple[str, ...]:
        """The spans that the first run learns from."""
        return self.windows[0]

    @property
    def usual_rows(self) -> int:
        """Rows of a usual span."""
        return round(median(self.rows))

    @property
    def evaluated(self) -> str:
        """Which rows of a window evaluate, in words."""
        if self.eval_share:
            return f"{self.eval_share:.0%}, by a hash of each"
        if self.eval_spans:
            return f"its newest {self.unit}" if self.eval_spans == 1 else f"its newest {self.eval_spans} {self.unit}s"
        return f"its last {self.eval_days} days"

    def stated(self) -> dict[str, Any]:
        """Return what problem.toml says under [data]."""
        found: dict[str, Any] = {"unit": str(self.unit), "window": self.window, "max_gaps": self.max_gaps}
        found |= {"eval_days": self.eval_days, "eval_spans": self.eval_spans, "eval_share": self.eval_share}
        return {name: value for name, value in found.items() if value}
