"""Print what a person wants to know at the end of a run."""

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from components.shared import canary_report, data_findings, drift_report, tasks, tfma_results
from components.shared.advice import Advice
from components.shared.commands import make
from components.shared.metric_names import AUC, OVERALL, ROWS
from components.shared.nodes import NodeId, Output
from components.shared.phone import parity_report
from pipeline.config import Config
from pipeline.local.outcome import Outcome
from pipeline.local.pending import Due
from pipeline.local.record import Outputs
from pipeline.shared.sections import Data

if TYPE_CHECKING:  # reports can be left out
    from components.run_report.facts import RunFacts

SHORT = {"calibration": "calib.", "squared correlation": "corr.²"}  # headings
FARTHEST = 5  # features that are named
MIN_ROWS = 100  # of a slice that gets a line: the AUC of fewer is noise


def show(console: Console, config: Config, outputs: Outputs, outcome: Outcome, found: Due) -> None:
    """Print rows, findings, metrics, the decision, and what to run next, of a run that came to its end."""
    told = None  # what the page says, if there is one
    if Output.PAGE.key in outputs.get(NodeId.RUN_REPORT, {}):
        from components.run_report import facts  # noqa: PLC0415

        told = facts.read(Path(Output.PAGE.of(outputs).uri))
    console.print()
    _data(console, outputs, config.data)
    _drift(console, outputs)
    if NodeId.EVALUATOR in outputs:
        console.print(metrics_table(tfma_results.metrics(Output.EVALUATION.of(outputs).uri)))
        naive(console, told)
        _difference(console, told)
        _canary(console, outputs)
        _mobile(console, outputs, "probabilities" if config.problem.task.bounded else "predictions")
    _decision(console, outputs, outcome, told)
    if outcome.unreported:
        _prose(console, f"[yellow bold]The report failed:[/] {escape(outcome.unreported)}")
        text = "What was decided stands, and what was published is published. This writes the page anew:"
        _step(console, Advice(text=text, command=make("report", config.named)))
    _prose(console, f"Next: {_next(found, config)}")


def _prose(console: Console, markup: str) -> None:
    """Print text: on a terminal a line breaks between words, elsewhere never. No word is broken: it may be a path."""
    text = Text.from_markup(markup)
    if console.is_terminal:  # with textwrap: rich would break or cut a word that is longer than a line
        wrapper = textwrap.TextWrapper(console.width, break_long_words=False, break_on_hyphens=False)
        text.plain = "\n".join(wrapper.fill(line) for line in text.plain.splitlines())
    console.print(text, soft_wrap=True)


def _next(found: Due, config: Config) -> str:
    """Say what the next run takes, else what it waits for, in markup."""
    if found.pending:
        return f"[bold]{escape(make('run', config.named))}[/] takes {found.pending[0]}."
    unit = config.data.unit
    gaps = f"{', '.join(found.waiting)} cannot be run before the {unit}s missing before it are there." if found.waiting else ""
    every = f"no newer {unit} is whole" if found.superseded else f"every whole {unit} was run"
    return escape(" ".join(filter(None, [found.told(config), gaps])) or f"{every}; --span picks one to run again.")


def _data(console: Console, outputs: Outputs, data: Data) -> None:
    examples = Output.EXAMPLES.of(outputs).custom_properties
    rows = json.loads(examples["rows"].string_value)
    days = json.loads(examples["days"].string_value)
    window = examples["window"].string_value.split(",")
    if not days:
        part = "them, picked by a hash since the rows have no date,"
    elif data.eval_spans:
        part = f"the last {f'{data.eval_spans} {data.unit}s' if data.eval_spans > 1 else data.unit}"
    else:
        part = f"{days['eval']}{'' if days['eval'] == data.eval_days else f' of the last {data.eval_days}'} days"
    evaluated = f"{rows['eval']:,} of {part} to evaluate"
    _prose(console, f"Data: {window[0]} to {window[-1]}, {rows['train']:,} rows to train, {evaluated}.")
    findings = data_findings.read(Output.FINDINGS.of(outputs).uri)
    console.print("Findings in the data: " + ("none." if not findings else f"{len(findings)}, none of which stops a run:"))
    for finding in findings:
        _prose(console, escape(f"  {finding}"))


def _drift(console: Console, outputs: Outputs) -> None:
    found = drift_report.read(Output.DRIFT.of(outputs).uri)
    if found.reference is None:
        console.print("Drift: no reference yet, since nothing is in production.")
        return
    fired = [check for check in found.checks if check.verdict != "stable"]
    compared = f"version {found.reference.version}, trained on {found.reference.window[0]} to {found.reference.window[-1]}"
    _prose(console, f"Drift: [bold]{found.verdict}[/], {len(fired)} of {len(found.checks)} checks, against {compared}.")
    if not json.loads(Output.EXAMPLES.of(outputs).custom_properties["days"].string_value):
        _prose(console, "  The rows have no date: what differs is between deliveries, not over time.")
    for check in found.checks:
        if check.reason and check.kind not in ("data", "skew"):
            _prose(console, escape(f"  {check.reason}"))
    ordered = sorted(fired, key=lambda check: check.value / check.limit, reverse=True)
    if features := list(dict.fromkeys(check.feature for check in ordered if check.feature))[:FARTHEST]:
        _prose(console, escape(f"  features the farthest beyond their limits: {', '.join(features)}"))


def metrics_table(measured: dict[str, tfma_results.Metrics]) -> Table:
    """Make a table with a row a slice, the largest first; candidate and, where there is one, production side by side."""
    candidate, production = measured[tfma_results.CANDIDATE], measured.get(tfma_results.BASELINE)
    rows = {name: metrics[ROWS] for name, metrics in candidate.items()}
    shown = sorted(
        (name for name in rows if rows[name] >= MIN_ROWS or name == OVERALL),
        key=lambda name: (name != OVERALL, name.partition("=")[0], -rows[name]),
    )
    title = "Evaluation" + (", beside production" if production else " (nothing is in production yet)")
    table = Table("slice", title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    notes = [f"and {hidden} slices of fewer than {MIN_ROWS} rows"] if (hidden := len(rows) - len(shown)) else []
    of = tasks.measured(candidate[OVERALL]).metrics
    if of[0].key == AUC and any(AUC not in model[name] for model in measured.values() for name in shown):
        notes.append("-: no AUC where all rows are of one class")
    table.caption = "\n".join(notes) or None
    table.add_column("rows", justify="right")
    for metric in of:
        table.add_column(SHORT.get(metric.name, metric.name), justify="right")
        if production:
            table.add_column("prod.", justify="right", style="dim")
    models = [candidate] + ([production] if production else [])
    for name in shown:
        cells = [_cell(model[name].get(metric.key), metric) for metric in of for model in models]
        table.add_row(name, f"{rows[name]:,.0f}", *cells, style="bold" if name == OVERALL else None)
    return table


def _cell(value: float | None, metric: tasks.Metric) -> str:
    return "-" if value is None else metric.figure(value)


def naive(console: Console, told: "RunFacts | None") -> None:
    """Print what a first model has to beat, and a later one has not beaten: the naive answer's first two metrics."""
    if told is None or told.candidate is None or (told.candidate.production_version and not told.candidate.naive_is_as_good):
        return
    task = tasks.TASKS[told.candidate.task]
    known = {each.name: each.naive for each in told.candidate.metrics}
    said = [f"{of.name} {of.figure(value)}" for of in task.metrics[:2] if (value := known.get(of.name)) is not None]
    if said:
        _prose(console, f"Always answering with {task.naive} has {' and '.join(said)} on the same rows.")


def _difference(console: Console, told: "RunFacts | None") -> None:
    """Print the difference in what decides, on the same rows; it is better or worse only where its interval says so."""
    if told is None or told.candidate is None:
        return
    metric = told.candidate.decides
    if metric and metric.difference and metric.difference.interval:
        low, high = metric.difference.interval
        block = told.block or "block of rows"
        said = "" if metric.verdict == "undecided" else f", {metric.verdict}"
        moved = f"{metric.difference.value:+.4f} (95 % interval {low:+.4f} to {high:+.4f}, by {block}){said}"
        _prose(console, f"{metric.name} less that of version {told.candidate.production_version}: {moved}.")


def _decision(console: Console, outputs: Outputs, outcome: Outcome, told: "RunFacts | None") -> None:
    if outcome.outcome != "published":
        _prose(console, f"[yellow bold]Nothing new was published:[/] {escape(outcome.reason)}.")
        for step in told.steps if told else ():
            _step(console, step)
        return
    for output, what in ((Output.PUSHED_MODEL, "Published version"), (Output.MOBILE_PUSHED_MODEL, "For phones, version")):
        if output.node in outputs and (pushed := output.of(outputs).custom_properties)["pushed"].int_value:
            destination = pushed["destination"].string_value
            console.print(f"[green bold]{what} {outcome.version}[/] to {destination}", highlight=False, soft_wrap=True)
    if outcome.mobile:
        _prose(console, f"[yellow bold]No model for phones was published:[/] {escape(outcome.mobile)}.")
    if outcome.promotion:
        console.print(f"[yellow bold]Version {outcome.version} is not in production:[/]")
        _step(console, outcome.promotion)


def _step(console: Console, step: Advice) -> None:
    """Print a step, its command on a line of its own, to be copied as it is."""
    _prose(console, escape(f"  {step.text}"))
    if step.command:
        console.print(f"  {step.command}", markup=False, highlight=False, soft_wrap=True)


def _canary(console: Console, outputs: Outputs) -> None:
    if NodeId.CANARY in outputs and (report := canary_report.read(Output.INFRA_BLESSING.of(outputs).uri)).p99_ms:
        beside = f" ({report.reference}: {report.reference_p99_ms:.1f} ms)" if report.reference_p99_ms else ""
        memory = f", {report.peak_mb:,.0f} MB at the peak" if report.peak_mb else ""
        _prose(console, escape(f"As a server: {report.requests} requests, p99 {report.p99_ms:.1f} ms{beside}{memory}."))
        for each in report.passed_over:
            _prose(console, escape(f"  tried again: {each}"))


def _mobile(console: Console, outputs: Outputs, answers: str) -> None:
    """Print how close the files are to the server's model."""
    if NodeId.MOBILE_EVALUATOR not in outputs:
        return
    for each in parity_report.read(Output.MOBILE_EVALUATION.of(outputs).uri):
        if each.limit is not None:
            _prose(
                console,
                f"Phone, {each.variant}: {each.kilobytes:.0f} KB, {answers} within {each.largest:.1g} of the server's on "
                f"{each.rows:,} rows (limit {each.limit:g}).",
            )
