"""The DataGate's findings: `findings.json` of a DataGateReport, and which of them stop a run."""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "findings.json"  # in a DataGateReport


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one feature of one split.

    What was found is `measure`, what was expected `limit`. "" as the split is all data, as the feature the split as a whole.
    """

    split: str
    feature: str
    anomaly: str
    measure: str
    limit: str
    severity: str = "error"  # or "warning"

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.split and f"{self.split} split", self.feature))) or "data"
        return f"{where}: {self.anomaly}. Found: {self.measure.rstrip('. ')}. Expected: {self.limit}."


def write(folder: str, findings: Iterable[Finding]) -> None:
    """Write all findings to a DataGateReport's folder."""
    (Path(folder) / FILE).write_text(json.dumps([asdict(finding) for finding in findings], indent=1), encoding="utf-8")


def read(folder: str) -> list[Finding]:
    """Read the findings in a DataGateReport's folder."""
    return [Finding(**each) for each in json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))]


def parted(findings: Iterable[Finding], stop_on: Collection[str]) -> tuple[list[Finding], list[Finding]]:
    """Split findings into those whose severity stops a run, and the others."""
    found = list(findings)
    return [each for each in found if each.severity in stop_on], [each for each in found if each.severity not in stop_on]


def days_needed(lowest: int, held_out: int) -> int:
    """Return how many days need rows: `lowest`, or all if fewer are held out for evaluation."""
    return min(lowest, held_out)
