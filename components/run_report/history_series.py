"""What changed over the runs: the AUC of the model in production, and the seconds of the nodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from components.run_report.facts import Metric, RunFacts

T = TypeVar("T")
WORKED = ("done", "failed", "refused", "not_tried")  # states of nodes that ran


@dataclass(frozen=True)
class Point:
    """The model in production after a run.

    Attributes:
        span: the newest month that the run saw.
        version: the model's.
        auc: on that month: on its evaluation rows, or on all of its rows if the run made no candidate.
        interval: 95 %, if it is known.
        published: whether the run published it, and it does not wait for a promotion.
        replaced: the AUC of the model that it took the place of, on the same rows.
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


def newest_of_each_span(found: Iterable[tuple[str, T]]) -> list[T]:
    """The last one of each span, in the order of the spans; what is of no span is left out."""
    return [item for span, item in sorted(dict(found).items(), key=lambda pair: pair[0]) if span]


def auc(run: RunFacts) -> Metric | None:
    """Of the candidate and of the model in production, on the same evaluation rows."""
    return next((metric for metric in run.candidate.metrics if metric.name == "AUC"), None) if run.candidate else None


def production(runs: Iterable[RunFacts]) -> list[Point]:
    """The newest measure of each span.

    Args:
        runs: of one model, the oldest first. Those that measured no model in production are left out.
    """
    return newest_of_each_span((run.span, point) for run in runs if (point := _point(run)))


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
    """Of each node that worked in the run."""
    return {node.name: node.seconds for node in run.nodes if node.seconds is not None and node.state in WORKED}


def durations(runs: Sequence[RunFacts]) -> list[Durations]:
    """Of each node, the slowest first.

    Args:
        runs: the oldest first.
    """
    found: dict[str, list[float]] = {}
    for run in runs:
        for node, value in seconds(run).items():
            found.setdefault(node, []).append(value)
    made = [Durations(node, len(each), median(each), max(each), each[-1]) for node, each in found.items()]
    return sorted(made, key=lambda each: -each.median)
