"""What a person wants to know at the end of a run."""

import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from components.data_gate.executor import REPORT
from components.evaluator import results
from pipeline.record import Outputs

COLUMNS = {"auc": "AUC", "binary_crossentropy": "log loss", "auc_precision_recall": "AUC-PR", "calibration": "calib."}
MIN_ROWS = 100  # of a slice worth a line: the AUC of fewer is noise


def show(console: Console, outputs: Outputs, next_span: str | None) -> None:
    """Prints rows, findings, metrics, the decision, and what to do next.

    Args:
        console: where to.
        outputs: the artifacts of a run that came to its end.
        next_span: the span that the next run takes, None if there is none.
    """
    console.print()
    _data(console, outputs)
    measured = results.metrics(outputs["Evaluator"]["evaluation"].uri)
    console.print(metrics_table(measured))
    _decision(console, outputs)
    if next_span:
        console.print(f"Next: [bold]make run[/] takes {next_span}.")
    else:
        console.print("Next: every span was run; --span picks one to run again.")


def _data(console: Console, outputs: Outputs) -> None:
    examples = outputs["SpanExampleGen"]["examples"].custom_properties
    rows = json.loads(examples["rows"].string_value)
    window = examples["window"].string_value.split(",")
    console.print(f"Data: {window[0]} to {window[-1]}, {rows['train']:,} rows to train, {rows['eval']:,} to evaluate.")
    findings = json.loads((Path(outputs["DataGate"]["report"].uri) / REPORT).read_text())
    console.print("Anomalies: " + ("none." if not findings else f"{len(findings)}, none of which stops a run:"))
    for finding in findings:
        text = f"  {finding['split']} split, {finding['feature']}: {finding['anomaly']}. {finding['measure']}"
        console.print(text, markup=False, highlight=False)


def metrics_table(measured: dict[str, results.Metrics]) -> Table:
    """A row a slice, the largest first; candidate and, where there is one, production side by side."""
    candidate, production = measured[results.CANDIDATE], measured.get(results.BASELINE)
    rows = {name: metrics["example_count"] for name, metrics in candidate.items()}
    shown = sorted(
        (name for name in rows if rows[name] >= MIN_ROWS or name == results.OVERALL),
        key=lambda name: (name != results.OVERALL, name.partition("=")[0], -rows[name]),
    )
    title = "Evaluation" + (", beside production" if production else " (nothing is in production yet)")
    table = Table("slice", title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    if hidden := len(rows) - len(shown):
        table.caption = f"and {hidden} slices of fewer than {MIN_ROWS} rows"
    table.add_column("rows", justify="right")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
        if production:
            table.add_column("prod.", justify="right", style="dim")
    models = [candidate] + ([production] if production else [])
    for name in shown:
        cells = [_cell(model[name].get(metric)) for metric in COLUMNS for model in models]
        table.add_row(name, f"{rows[name]:,.0f}", *cells, style="bold" if name == results.OVERALL else None)
    return table


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _decision(console: Console, outputs: Outputs) -> None:
    pushed = outputs["Publisher"]["pushed_model"].custom_properties
    if pushed["pushed"].int_value:
        console.print(
            f"[green bold]Published version {pushed['version'].int_value}[/] to {pushed['destination'].string_value}",
            soft_wrap=True,
        )
    else:
        console.print("[yellow bold]Nothing new was published:[/] ", end="")
        console.print(f"{pushed['reason'].string_value}.", markup=False, highlight=False, soft_wrap=True)
