"""The history page, `reports/index.html`: all runs in one table, and how model, data and durations changed over them."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from urllib.parse import quote

from components.run_report import history_charts
from components.run_report.drift_rank import heat_map
from components.run_report.facts import RunFacts
from components.run_report.history_charts import Point
from components.run_report.page import OUTCOMES, VERDICTS
from components.run_report.templating import render_page
from components.shared import tasks
from components.shared.commands import make
from components.shared.units import called

PAGE = "index.html"
WORKED = ("done", "failed", "refused", "not_tried")  # states of nodes that ran


def render(runs: Sequence[RunFacts], broken: Mapping[str, str] | None = None) -> str:
    """Render the page.

    Args:
        runs: the oldest first.
        broken: folders whose facts cannot be read, and why.

    Returns:
        HTML that needs no other file, and links to the page of each run.
    """
    by_model = {name: [run for run in runs if run.model == name] for name in sorted({run.model for run in runs})}
    curves = {name: points for name, own in by_model.items() if (points := production(own))}
    metrics = {name: tasks.configured(own[-1].configuration).decides for name, own in by_model.items()}
    nodes = durations(runs)
    problem = runs[-1].problem if runs else ""
    colours = history_charts.colours(runs, list(nodes))
    return render_page(
        "history.html.j2",
        styles=("style.css", "history.css"),
        runs=runs,
        report=make("report", problem),
        make_run=make("run", problem),
        unit=called(runs[-1].span) if runs else "span",
        outcomes=OUTCOMES,
        verdicts=VERDICTS,
        broken=broken or {},
        curves={name: (points, history_charts.production(name, metrics[name], points)) for name, points in curves.items()},
        metrics=metrics,
        deciding=lambda run: tasks.configured(run.configuration).decides,
        newest={name: newest(own) for name, own in by_model.items()},
        maps={name: found for name, own in by_model.items() if (found := heat_map(own))},
        nodes=nodes,
        median=median,
        stacked=history_charts.stacked([(run.span, seconds(run)) for run in runs], colours) if nodes else None,
        colours=colours,
        link=link,
    )


def link(run: RunFacts) -> str:
    """Return the address of a run's page, from the history's."""
    return f"./{quote(run.run)}/{PAGE}"


def production(runs: Iterable[RunFacts]) -> list[Point]:
    """List every publication, and the newest measure of each span that published nothing, by span.

    After a rollback a span's publications may be followed by a measure of another version.

    Args:
        runs: of one model, the oldest first. Those that measured no model in production are left out.
    """
    found: dict[str, list[Point]] = {}
    for run in runs:
        if point := _point(run):
            kept = found.setdefault(run.span, [])
            if kept and not kept[-1].published:
                kept.pop()
            if point.published or not kept or kept[-1].version != point.version:
                kept.append(point)
    return [point for span in sorted(found) for point in found[span]]


def newest(runs: Sequence[RunFacts]) -> Point | None:
    """Return what the newest run of one model says of the model in production, whichever span it ran."""
    return next((point for run in reversed(runs) if (point := _point(run))), None)


def _point(run: RunFacts) -> Point | None:
    if not run.span:
        return None
    found = run.candidate.decides if run.candidate else None
    metric = tasks.configured(run.configuration).decides
    before = found.production if found else None
    if found and run.outcome == "published" and run.waiting is None:
        replaced = before.value if before else None
        value, interval = found.candidate.value, found.candidate.interval
        return Point(run.span, run.version, value, interval, published=True, replaced=replaced)
    checks = run.drift.checks if run.drift else []
    measured = before or next((each for each in checks if (each.kind, each.measure) == ("concept", metric.name)), None)
    return Point(run.span, run.version, measured.value, measured.interval) if measured else None


def seconds(run: RunFacts) -> dict[str, float]:
    """Return the seconds of each node that worked in the run; one from the cache did not."""
    return {node.name: node.seconds for node in run.nodes if node.seconds is not None and node.state in WORKED}


def durations(runs: Iterable[RunFacts]) -> dict[str, list[float]]:
    """Collect the seconds of each node in the runs in which it worked, the slowest node first."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for node, value in seconds(run).items():
            found.setdefault(node, []).append(value)
    return dict(sorted(found.items(), key=lambda each: -median(each[1])))
