"""What each gate catches when the newest month is poisoned. Run: `make bench-poisoning` (a quarter of an hour).

A clean model is in production; then a month arrives in which a share of the labels is flipped, or a share of the rows has its
weather in other units and other airlines' delays. The whole pipeline runs on it. The damage is told on the month's true rows:
the AUC of the candidate beside that of the model in production.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from components.model_store import store
from components.run_report import facts
from pipeline import config as configuration
from pipeline.local import record
from tests.benchmarks.drift_power import chosen, flip
from tests.benchmarks.quality.network import scores
from tests.flights import LABEL

BEFORE, SPAN = "2013-03", "2013-04"
MONTHS = ["2013-01", "2013-02", BEFORE, SPAN]
SHARES = (0.01, 0.05, 0.2)
OUTPUT = Path("runs/benchmarks/poisoning.json")


@dataclass(frozen=True)
class Result:
    """A case: what each gate said, and what the model is worth.

    Attributes:
        case: what was poisoned, and in which share of the newest month's rows.
        outcome: of the run.
        gates: a word each, and what it found.
        checks: of the DriftMonitor that fired.
        measured: AUC that the Evaluator saw, on the poisoned rows: candidate, production.
        true: AUC on the same rows as they were: candidate, production.
    """

    case: str
    outcome: str
    gates: dict[str, str]
    checks: list[str]
    measured: tuple[float, float] | None
    true: tuple[float, float] | None


def shift(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """Degrees Celsius for Fahrenheit, km/h for mph, and the late shares turned round, in a share of the rows."""
    hit = chosen(rows, share)
    changed = rows.copy()
    changed.loc[hit, ["temp", "dewp"]] = (changed.loc[hit, ["temp", "dewp"]] - 32) / 1.8
    changed.loc[hit, "wind_speed"] *= 1.609344
    for column in ("origin_late_share_1d", "carrier_late_share_7d"):
        changed.loc[hit, column] = 1 - changed.loc[hit, column]
    return changed


CASES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "nothing": lambda rows: rows,
    **{f"{share:.0%} of the labels flipped": lambda rows, share=share: flip(rows, share) for share in SHARES},
    **{f"{share:.0%} of the rows shifted": lambda rows, share=share: shift(rows, share) for share in SHARES},
}


class Poisoning:
    """A root with a clean model in production, and a case after the other in it."""

    def __init__(self, folder: Path, clean: Path, settings: list[str]):
        self._clean = pd.read_parquet(clean / SPAN)
        self._spans, self._root, self._kept = folder / "spans", folder / "runs", folder / "kept"
        for month in MONTHS:
            shutil.copytree(clean / month, self._spans / month)
        self._settings = [f"data.spans={self._spans}", f"run.root={self._root}", *settings]
        self._config = configuration.load(overrides=self._settings)
        self._run(BEFORE)
        shutil.copytree(self._root, self._kept)

    def run(self, case: str) -> Result:
        """Runs the month, poisoned, from the state with the clean model."""
        shutil.rmtree(self._root)
        shutil.copytree(self._kept, self._root)
        CASES[case](self._clean).to_parquet(self._spans / SPAN / "flights.parquet", index=False)
        self._run(SPAN)
        [page] = (self._root / "reports").glob(f"*-{SPAN}")
        found = facts.read(page)
        auc = found.candidate.auc if found.candidate else None
        return Result(
            case,
            found.outcome,
            {gate.name: f"{gate.state}: {'; '.join(gate.reasons)}" for gate in found.gates},
            [f"{check.kind}:{check.feature or check.measure}" for check in found.drift.checks if check.verdict != "stable"]
            if found.drift
            else [],
            (auc.candidate.value, auc.production.value) if auc and auc.production else None,
            self._true(),
        )

    def _run(self, span: str) -> None:
        settings = (part for setting in self._settings for part in ("--set", setting))
        subprocess.run([sys.executable, "-m", "pipeline.local_runner", "--span", span, *settings], check=False)

    def _true(self) -> tuple[float, float] | None:
        """AUC of the candidate and of production on the month's evaluation rows as they were; None if nothing was trained."""
        trained = record.last_run(self._root / "metadata.db").get("Trainer")
        if not trained:
            return None
        labelled = self._clean[self._clean[LABEL].notna()]
        days = np.sort(labelled.date.unique())[-self._config.data.eval_days :]
        rows = labelled[labelled.date.isin(days)]
        candidate = Path(trained["model"].uri) / "Format-Serving"
        production = store.read(self._kept / "serving" / "flight_delay", 1).folder
        own, before = (float(roc_auc_score(rows[LABEL], scores(model, rows))) for model in (candidate, production))
        return own, before


def table(results: list[Result]) -> Table:
    """A row a case; of the drift checks those that do not fire on the clean month, in which the season has changed."""
    found = Table("newest month", "data gate", "further drift checks", "evaluation", "outcome", "AUC measured", "true AUC")
    clean = set(results[0].checks)
    for each in results:
        found.add_row(
            each.case,
            each.gates["Data"].partition(":")[0],
            ", ".join(sorted(set(each.checks) - clean)) or "-",
            each.gates["Evaluation"].partition(":")[0],
            each.outcome,
            *("-" if auc is None else "{:.3f} (production {:.3f})".format(*auc) for auc in (each.measured, each.true)),
        )
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES, metavar="CASE")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    options = parser.parse_args(arguments)
    console, results = Console(width=180), []
    with tempfile.TemporaryDirectory() as folder:
        bench = Poisoning(Path(folder), Path("data/flights/spans"), options.set)
        for case in options.cases:
            console.print(f"[bold]{case}[/]")
            results.append(bench.run(case))
            OUTPUT.parent.mkdir(parents=True, exist_ok=True)
            OUTPUT.write_text(json.dumps([asdict(each) for each in results], indent=1) + "\n", encoding="utf-8")
    console.print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
