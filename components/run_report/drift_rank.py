"""Rank drift checks by how far each is from its limit, so that different measures can be compared, in a run and over many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from components.run_report.facts import RunFacts
from components.shared.drift_report import Check
from components.shared.tasks import TASKS

METRICS = {each.name: each for task in TASKS.values() for each in task.metrics}
ORDER = {"decayed": 0, "drifted": 1, "stable": 2}
CAP = 99  # times the limit; more is written as "> 99"
NEAR = 0.5  # of the limit: worth a look
FAR = 3.0  # times the limit


def ratio(check: Check) -> float:
    """Return the change that was found as a multiple of the change that counts, 0 or more.

    A stable check may have more than 1: where a check has an interval, all of it must lie beyond the limit.
    """
    before = check.reference
    if before is None:  # a distance, which already is a change
        change = check.value
    elif check.measure in METRICS:
        change = METRICS[check.measure].loss(before, check.value)
    else:
        change = abs(check.value - before)
    if check.limit <= 0:  # any change counts
        return float("inf") if change > 0 else 0.0
    return max(0.0, change / check.limit)


def worst_first(checks: Iterable[Check]) -> list[Check]:
    """Sort by verdict, then by `ratio`."""
    return sorted(checks, key=lambda check: (ORDER[check.verdict], -ratio(check), check.name, check.measure))


def worst_by_feature(checks: Iterable[Check]) -> dict[str, Check]:
    """Pick the worst check of each feature's data, leaving out the label and the model as a whole."""
    found: dict[str, Check] = {}
    for check in worst_first(check for check in checks if check.kind == "data"):
        found.setdefault(check.feature, check)
    return found


@dataclass(frozen=True)
class Cell:
    """A feature in one run's newest span."""

    ratio: float | None = None  # None: nothing was compared
    words: str = "not compared"  # the worst check and its verdict, for a person

    @property
    def level(self) -> Literal["none", "low", "near", "over", "far"]:
        """How strongly the cell is coloured."""
        if self.ratio is None:
            return "none"
        return "low" if self.ratio < NEAR else "near" if self.ratio < 1 else "over" if self.ratio < FAR else "far"

    @property
    def text(self) -> str:
        """The ratio, cut to two digits, so that one below the limit is not written as 1.0."""
        if self.ratio is None:
            return ""
        if self.ratio >= 10:  # noqa: PLR2004 two digits
            return f"> {CAP}" if self.ratio > CAP else f"{int(self.ratio)}"
        return f"{int(self.ratio * 10) / 10:.1f}"


def heat_map(runs: Sequence[RunFacts]) -> tuple[list[RunFacts], dict[str, list[Cell]]] | None:
    """Map how far each feature was from production's training data, span by span.

    Args:
        runs: of one model, the oldest first.

    Returns:
        The newest run of each span that was compared, and a row for each feature with a cell for each of them, the worst
        first; None if no run compared its span.
    """
    newest = {run.span: run for run in runs if run.span and run.drift and run.drift.reference}
    compared = [newest[span] for span in sorted(newest)]
    worst = [_cells(run) for run in compared]
    rows = {feature: [each.get(feature, Cell()) for each in worst] for cells in worst for feature in cells}
    order = sorted(rows, key=lambda feature: (-max(cell.ratio or 0 for cell in rows[feature]), feature))
    return (compared, {feature: rows[feature] for feature in order}) if rows else None


def _cells(run: RunFacts) -> dict[str, Cell]:
    worst = worst_by_feature(run.drift.checks) if run.drift else {}
    return {
        feature: Cell(ratio(check), f"{check.verdict}: {check.measure} {check.value:.4g}, limit {check.limit:g}")
        for feature, check in worst.items()
    }
