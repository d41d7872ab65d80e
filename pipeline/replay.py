"""Play the spans that are there as if they arrived one by one, under three policies, and compare what users would get.

`never_retrain` keeps the first model; `retrain_always` and `retrain_on_drift` are those of `drift.policy`. The policies share
one root, so a model that two of them train is trained once; each publishes to a folder of its own.
"""

import argparse
import hashlib
import math
import subprocess
import sys
import time
from collections import Counter
from statistics import fmean

from pydantic import TypeAdapter
from rich import box
from rich.console import Console
from rich.table import Table

from components.model_store import store
from components.shared import drift_report
from components.shared.command_line import ended
from components.shared.errors import BadConfig, CrosswindError
from components.shared.nodes import Output
from components.shared.tasks import Metric, Task
from pipeline import retrain
from pipeline.config import Config
from pipeline.local import record
from pipeline.local.outcome import Outcome
from pipeline.local.pending import runnable
from pipeline.shared import command_line

POLICIES = {
    "never_retrain": ["drift.policy=retrain_on_drift", "drift.retrain_on=[]"],
    "retrain_always": ["drift.policy=retrain_always"],
    "retrain_on_drift": ["drift.policy=retrain_on_drift"],
}
FILE = "replay.json"  # a list of `PlayedSpan`


class PlayedSpan(Outcome):
    """One policy in one span: what came of the run, and what users got."""

    policy: str
    settings: str = ""  # a digest of the configuration that it was played with
    served: dict[str, float] = {}  # metrics, by name, of the model that was in production, on all rows of the span
    published: float | None  # what decides, of the version in production afterwards, on the rows that it was published with


PLAYED = TypeAdapter(list[PlayedSpan])


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when every span was played."""
    options = command_line.parser("pipeline.replay", __doc__).parse_args(arguments)
    console = Console()
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Play in a folder of its own below the root, and show the results. Raises CrosswindError."""
    config = command_line.load(options)
    root = config.root / "replay"
    played = play(config.model_copy(update={"run": config.run.model_copy(update={"root": str(root)})}), options, console)
    for policy in POLICIES:
        console.print(spans_table(policy, config.problem.task, [each for each in played if each.policy == policy]))
    console.print(totals_table(config.problem.task, played))
    console.print(f"As JSON: {root / FILE}", soft_wrap=True)


def play(config: Config, options: argparse.Namespace, console: Console) -> list[PlayedSpan]:
    """Run each span under each policy, in the order of time; resume after what an earlier replay into the root did.

    Args:
        config: whose spans are played, with the root for everything that is written.
        options: of the command line, for that configuration.
        console: gets a line a run.

    Raises:
        BadConfig: the earlier replay had other settings.
        CrosswindError: a run came to no decision.
    """
    path, settings = config.root / FILE, hashlib.sha256(config.model_dump_json().encode()).hexdigest()
    played = PLAYED.validate_json(path.read_bytes()) if path.exists() else []
    if any(each.settings != settings for each in played):
        raise BadConfig(
            f"{path} has spans that were played with other settings. Remove {config.root}, or choose another --root."
        )
    for span in runnable(config):
        for policy in POLICIES:
            if any((each.span, each.policy) == (span, policy) for each in played):
                continue
            played.append(play_span(config, span, policy, options).model_copy(update={"settings": settings}))
            console.print(f"  {span}  {policy:<17} {played[-1].outcome:<13} {played[-1].seconds:6.1f} s", highlight=False)
            path.write_bytes(PLAYED.dump_json(played, indent=1) + b"\n")
    return played


def play_span(config: Config, span: str, policy: str, options: argparse.Namespace) -> PlayedSpan:
    """Do one run, as a tick of the schedule does. Raises CrosswindError if it came to no decision."""
    settings = [*options.set, *POLICIES[policy], f"problem.model={policy}"]
    start = time.monotonic()
    outcome = retrain.run(config, span, argparse.Namespace(**vars(options) | {"set": settings}), subprocess.DEVNULL)
    if not (outcome.decided or outcome.outcome == "data_rejected"):
        raise CrosswindError(f"{span} under {policy} came to no decision: {outcome.reason}. See {config.root}/logs.")
    served = {}
    if outcome.decided:
        drift = drift_report.read(Output.DRIFT.of(record.last_run(config.root / "metadata.db")).uri)
        served = {check.measure: check.value for check in drift.checks if check.kind == "concept"}
    production = store.production(config.root / "serving" / policy)
    return PlayedSpan(
        **outcome.model_dump() | {"seconds": round(time.monotonic() - start, 1)},
        policy=policy,
        served=served,
        published=production.manifest.overall[config.problem.task.decides.key] if production else None,
    )


def metrics(task: Task) -> list[Metric]:
    """List the metrics that are shown, which DriftMonitor measures on each span: those of which more, or less, is better."""
    return [task.metric(key) for key in task.drift if task.metric(key).better != "nearer 1"]


def spans_table(policy: str, task: Task, played: list[PlayedSpan]) -> Table:
    table = Table("span", "drift", title=policy, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in (*(each.name for each in metrics(task)), f"{task.decides.name} after", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("outcome")
    for each in played:
        values = (*(each.served.get(metric.name) for metric in metrics(task)), each.published)
        measured = map(_figure, values)
        what = f"version {each.version}" if each.outcome == "published" else each.outcome.replace("_", " ")
        table.add_row(each.span, each.drift.replace("_", " "), *measured, f"{each.seconds:.0f}", what)
    return table


def totals_table(task: Task, played: list[PlayedSpan]) -> Table:
    """Make a table of means over the spans with a model in production, and the share of retraining's gain that is kept."""
    table = Table("policy", title="What users got, means over the spans", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown = [each.name for each in metrics(task)]
    for heading in (*(heading for name in shown for heading in (name, "gain kept")), "trained", "pushed"):
        table.add_column(heading, justify="right", no_wrap=True)
    means = {policy: _means(shown, [each for each in played if each.policy == policy]) for policy in POLICIES}
    never, always = means["never_retrain"], means["retrain_always"]
    for policy, mean in means.items():
        kept = [(_figure(mean[name]), _share(mean[name] - never[name], always[name] - never[name])) for name in shown]
        count = Counter(each.outcome for each in played if each.policy == policy)
        counts = (f"{count['published'] + count['not_blessed']}", f"{count['published']}")
        table.add_row(policy, *(cell for cells in kept for cell in cells), *counts)
    return table


def _means(names: list[str], played: list[PlayedSpan]) -> dict[str, float]:
    """Return the mean of each metric over the spans that have it; NaN where none has."""
    values = {name: [each.served[name] for each in played if name in each.served] for name in names}
    return {name: fmean(found) if found else math.nan for name, found in values.items()}


def _figure(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"


def _share(part: float, whole: float) -> str:
    if not whole or math.isnan(whole):
        return "-"
    return f"{abs(part / whole) if part * whole >= 0 else part / whole:.0%}"


if __name__ == "__main__":
    sys.exit(main())
