"""The heat map of the history page: how far each feature was from production's training data, month by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from components.run_report.drift_rank import ratio, worst_by_feature
from components.run_report.facts import RunFacts
from components.shared.drift_report import Check

CAP = 99  # times the limit; more is written as "> 99"
NEAR = 0.5  # of the limit: worth a look
FAR = 3.0  # times the limit

Level = Literal["none", "low", "near", "over", "far"]


@dataclass(frozen=True)
class Cell:
    """A feature in one run's newest month.

    Attributes:
        ratio: the worst check's value over its limit; None if nothing was compared.
        words: that check and its verdict, for a person.
    """

    ratio: float | None
    words: str

    @property
    def level(self) -> Level:
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


@dataclass(frozen=True)
class HeatMap:
    """The features of one model by month: a column for each of `runs`, oldest first, a row for each feature, worst first."""

    model: str
    runs: list[RunFacts]
    rows: dict[str, list[Cell]]


def heat_map(model: str, runs: Sequence[RunFacts]) -> HeatMap | None:
    """Take the checks of the features' data from the newest run of each span that compared them.

    Args:
        model: its name.
        runs: of that model, the oldest first.

    Returns:
        None if no run compared its month with what a model in production was trained on.
    """
    newest = {run.span: run for run in runs if run.span and run.drift and run.drift.reference}
    compared = [newest[span] for span in sorted(newest)]
    worst = [worst_by_feature(run.drift.checks) for run in compared if run.drift]
    rows = {feature: [_cell(each.get(feature)) for each in worst] for feature in {name for each in worst for name in each}}
    order = sorted(rows, key=lambda feature: (-max(cell.ratio or 0 for cell in rows[feature]), feature))
    return HeatMap(model, compared, {feature: rows[feature] for feature in order}) if rows else None


def _cell(check: Check | None) -> Cell:
    if check is None:
        return Cell(None, "not compared")
    return Cell(ratio(check), f"{check.verdict}: {check.measure} {check.value:.4g}, limit {check.limit:g}")
