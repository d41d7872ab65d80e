"""Play the months that are there as if they arrived one by one, under three policies, and compare what users would get.

`never_retrain` keeps the first model; `retrain_always` and `retrain_on_drift` are those of `drift.policy`. The policies share
one root, so a model that two of them train is trained once; each publishes to a folder of its own.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from components.model_store import store
from components.shared import drift_report
from components.shared.command_line import ended
from components.shared.errors import BadConfig, CrosswindError
from components.shared.metric_names import AUC
from components.shared.nodes import Output
from pipeline.config import Config
from pipeline.local import record
from pipeline.local.outcome import Outcome
from pipeline.local.pending import whole_spans
from pipeline.shared import command_line

POLICIES = {
    "never_retrain": ["drift.policy=retrain_on_drift", "drift.retrain_on=[]"],
    "retrain_always": ["drift.policy=retrain_always"],
    "retrain_on_drift": ["drift.policy=retrain_on_drift"],
}
FILE = "replay.json"  # a list of `PlayedMonth`
METRICS = {"auc": "AUC", "log_loss": "log loss"}  # of a row: name of the check


@dataclass(frozen=True)
class PlayedMonth:
    """One policy in one month.

    Attributes:
        policy, span: which.
        verdict: the DriftMonitor's.
        auc, log_loss: of the model that was in production, on all rows of the month: what users got.
        outcome: "published", "not_blessed", "stable" or "data_rejected".
        reason: why nothing was published.
        version, version_auc: in production afterwards, and its AUC on the evaluation rows that it was published with.
        seconds: of the run.
        settings: a digest of the configuration that it was played with.
    """

    policy: str
    span: str
    verdict: str
    auc: float | None
    log_loss: float | None
    outcome: str
    reason: str
    version: int | None
    version_auc: float | None
    seconds: float
    settings: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when every month was played."""
    options = command_line.parser("pipeline.replay", __doc__).parse_args(arguments)
    console = Console()
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Play in a folder of its own below the root, and show the results. Raises CrosswindError."""
    config = command_line.load(options)
    root = Path(config.run.root).absolute() / "replay"
    months = play(root, config, command_line.again(options), console)
    for policy in POLICIES:
        console.print(months_table(policy, [month for month in months if month.policy == policy]))
    console.print(totals_table(months))
    console.print(f"As JSON: {root / FILE}", soft_wrap=True)


def play(root: Path, config: Config, arguments: list[str], console: Console) -> list[PlayedMonth]:
    """Run each month under each policy, in the order of time; resume after what an earlier replay into `root` did.

    Args:
        root: for everything that it writes.
        config: whose spans are played.
        arguments: of the local runner, for that configuration.
        console: gets a line a run.

    Raises:
        BadConfig: the earlier replay had other settings.
        CrosswindError: a run came to no decision.
    """
    path, settings = root / FILE, hashlib.sha256(config.model_dump_json().encode()).hexdigest()
    months = [PlayedMonth(**month) for month in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []
    if any(month.settings != settings for month in months):
        raise BadConfig(f"{path} has months that were played with other settings. Remove {root}, or choose another --root.")
    for span in whole_spans(config):
        for policy, overrides in POLICIES.items():
            if any((month.span, month.policy) == (span, policy) for month in months):
                continue
            played = play_month(root, span, policy, arguments + command_line.repeated(overrides))
            months.append(replace(played, settings=settings))
            console.print(f"  {span}  {policy:<17} {months[-1].outcome:<13} {months[-1].seconds:6.1f} s", highlight=False)
            path.write_text(json.dumps([asdict(month) for month in months], indent=1) + "\n", encoding="utf-8")
    return months


def play_month(root: Path, span: str, policy: str, arguments: list[str]) -> PlayedMonth:
    """Do one run, as a tick of the schedule does. Raises CrosswindError if it came to no decision."""
    result = root / "outcome.json"
    root.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pipeline.local_runner", *arguments, "--set", f"problem.model={policy}"]
    command += ["--root", str(root), "--span", span, "--json", str(result)]
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - start
    outcome = Outcome.model_validate_json(result.read_text(encoding="utf-8")) if result.exists() else None
    if outcome is None or not (outcome.decided or outcome.outcome == "data_rejected"):
        raise CrosswindError(f"{span} under {policy} came to no decision; its output ends:\n{done.stdout[-2000:]}")
    served = {}
    if outcome.decided:
        drift = drift_report.read(Output.DRIFT.of(record.last_run(root / "metadata.db")).uri)
        served = {check.measure: check.value for check in drift.checks if check.kind == "concept"}
    production = store.production(root / "serving" / policy)
    return PlayedMonth(
        policy=policy,
        span=span,
        verdict=outcome.drift,
        auc=served.get(METRICS["auc"]),
        log_loss=served.get(METRICS["log_loss"]),
        outcome=outcome.outcome,
        reason=outcome.reason,
        version=outcome.version,
        version_auc=production.manifest.overall[AUC] if production else None,
        seconds=round(seconds, 1),
    )


def months_table(policy: str, months: list[PlayedMonth]) -> Table:
    table = Table("month", "drift", title=policy, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("AUC", "log loss", "AUC after", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("outcome")
    for month in months:
        figures = [_cell(month.auc), _cell(month.log_loss), _cell(month.version_auc), f"{month.seconds:.0f}"]
        what = f"version {month.version}" if month.outcome == "published" else month.outcome.replace("_", " ")
        table.add_row(month.span, month.verdict.replace("_", " "), *figures, what)
    return table


def totals_table(months: list[PlayedMonth]) -> Table:
    """Make a table of means over the months with a model in production, and the share of retraining's gain that is kept."""
    table = Table("policy", title="What users got, means over the months", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("AUC", "gain kept", "log loss", "gain kept", "trained", "pushed"):
        table.add_column(heading, justify="right", no_wrap=True)
    means = {policy: totals(months, policy) for policy in POLICIES}
    never, always = means["never_retrain"], means["retrain_always"]
    for policy, mean in means.items():
        kept = [_share(mean[name] - never[name], always[name] - never[name]) for name in METRICS]
        counts = [f"{mean[name]:.0f}" for name in ("trained", "published")]
        table.add_row(policy, f"{mean['auc']:.4f}", kept[0], f"{mean['log_loss']:.4f}", kept[1], *counts)
    return table


def _share(part: float, whole: float) -> str:
    return f"{abs(part / whole) if part * whole >= 0 else part / whole:.0%}" if whole else "-"


def totals(months: list[PlayedMonth], policy: str) -> dict[str, float]:
    """Sum up a policy: mean AUC and log loss, numbers of trainings and of publications."""
    own = [month for month in months if month.policy == policy]
    served = [month for month in own if month.auc is not None and month.log_loss is not None]
    return {
        "auc": sum(month.auc or 0 for month in served) / len(served),
        "log_loss": sum(month.log_loss or 0 for month in served) / len(served),
        "trained": sum(month.outcome in ("published", "not_blessed") for month in own),
        "published": sum(month.outcome == "published" for month in own),
    }


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
