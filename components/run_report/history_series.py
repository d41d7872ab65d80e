"""Follow over the runs the AUC of the model in production, and the seconds of the nodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from components.run_report.facts import Metric, RunFacts

WORKED = ("done", "failed", "refused", "not_tried")  # states of nodes that ran


@dataclass(frozen=True)
class Point:
    """The model in production after a run.

    Attributes:
        span: the newest month that the run saw.
        version: of the model.
        auc: on that month: on its evaluation rows, or on all of its rows if the run made no candidate.
        interval: of 95 %, if it is known.
        published: whether the run published it, and it does not wait for a promotion.
        replaced: the AUC of the model that it replaced, on the same rows.
    """

    span: str
    version: int | None
    auc: float
    interval: tuple[float, float] | None = None
    published: bool = False
    replaced: float | None = None


@dataclass(frozen=True)
class Durations:
    """Seconds of a node in the runs in which it worked; one from the cache did not.

    Attributes:
        node: its name.
        runs: how many.
        median, largest, newest: seconds.
    """

    node: str
    runs: int
    median: float
    largest: float
    newest: float


def auc(run: RunFacts) -> Metric | None:
    """Return the AUC of the candidate and of the model in production, on the same evaluation rows."""
    return next((metric for metric in run.candidate.metrics if metric.name == "AUC"), None) if run.candidate else None


def production(runs: Iterable[RunFacts]) -> list[Point]:
    """List every publication, and the newest measure of each span that published nothing, by span.

    After a rollback a span's publications may be followed by a measure of another version.

    Args:
        runs: of one model, the oldest first. Those that measured no model in production are left out.
    """
    found: dict[str, list[Point]] = {}
    for run in runs:
        if run.span and (point := _point(run)):
            kept = found.setdefault(run.span, [])
            if kept and not kept[-1].published:
                kept.pop()
            if point.published or not kept or kept[-1].version != point.version:
                kept.append(point)
    return [point for span in sorted(found) for point in found[span]]


def newest(runs: Sequence[RunFacts]) -> Point | None:
    """Return what the newest run says of the model in production, whichever span it ran.

    Args:
        runs: of one model, the oldest first.
    """
    return next((point for run in reversed(runs) if run.span and (point := _point(run))), None)


def _point(run: RunFacts) -> Point | None:
    found = auc(run)
    before = found.production if found else None
    if found and run.outcome == "published" and run.waiting is None:
        replaced = before.value if before else None
        return Point(run.span, run.version, found.candidate.value, found.candidate.interval, published=True, replaced=replaced)
    if before:
        return Point(run.span, run.version, before.value, before.interval)
    for check in run.drift.checks if run.drift else ():
        if (check.kind, check.measure) == ("concept", "AUC"):
            return Point(run.span, run.version, check.value, check.interval)
    return None


def seconds(run: RunFacts) -> dict[str, float]:
    """Return the seconds of each node that worked in the run."""
    return {node.name: node.seconds for node in run.nodes if node.seconds is not None and node.state in WORKED}


def durations(runs: Sequence[RunFacts]) -> list[Durations]:
    """Collect each node's durations, the slowest node first.

    Args:
        runs: the oldest first.
    """
    found: dict[str, list[float]] = {}
    for run in runs:
        for node, value in seconds(run).items():
            found.setdefault(node, []).append(value)
    made = [Durations(node, len(each), median(each), max(each), each[-1]) for node, each in found.items()]
    return sorted(made, key=lambda each: -each.median)
