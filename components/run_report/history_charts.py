"""The charts of the history page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import altair as alt
from markupsafe import Markup

from components.run_report.facts import RunFacts
from components.run_report.vega import chart, svg
from components.shared.tasks import Metric

HEIGHT = 190  # of a plot, px
LABELS = 8  # versions that fit side by side
SLOWEST = 6  # nodes that have a colour of their own
PALETTE = 20  # --node-1 to --node-20 in history.css
OTHERS = "other nodes"


@dataclass(frozen=True)
class Point:
    """The model in production after a run."""

    span: str  # the newest that the run saw
    version: int | None
    value: float  # of what decides, on the span's evaluation rows, or on all of its rows if the run made no candidate
    interval: tuple[float, float] | None = None  # of 95 %, if it is known
    published: bool = False  # the run published it, and it does not wait for a promotion
    replaced: float | None = None  # of the model that it replaced, on the same rows


def production(model: str, metric: Metric, points: Sequence[Point]) -> Markup:
    """Draw what decides of the model in production by span; a diamond is a publication, a ring the model that it replaced."""
    published = [point for point in points if point.published]
    step = -(-len(published) // LABELS)
    labels = {}  # a span's publications share one label, at the highest of them: side by side they would overlap
    for span in {point.span for point in published[::-1][:: step or 1]}:  # from the newest back
        of_span = [point for point in published if point.span == span]
        labels[max(of_span, key=lambda point: point.value)] = ", ".join(f"v{point.version}" for point in of_span)
    rows = []
    for point in points:
        low, high = point.interval or (None, None)
        rows.append(asdict(point) | {"low": low, "high": high, "label": labels.get(point, "")})
    base = chart(rows).encode(x=_x("span"))
    own = "var(--production)"
    value = alt.Y("value:Q", title=metric.name, axis=alt.Axis(titlePadding=12), scale=alt.Scale(zero=False, padding=12))
    at = base.encode(y=value)
    label = at.transform_filter("datum.published").encode(text="label:N")
    replaced = base.transform_filter("datum.replaced != null")
    layers = alt.layer(
        base.transform_filter("datum.low != null")
        .mark_rule(stroke=own, opacity=0.35, strokeWidth=3)
        .encode(y="low:Q", y2="high:Q"),
        replaced.mark_rule(stroke="var(--muted)", strokeDash=[2, 2]).encode(y=value, y2="replaced:Q"),
        at.mark_line(stroke=own, strokeWidth=1.5),
        replaced.mark_point(stroke="var(--muted)", fill="var(--panel)", size=28, opacity=1).encode(y="replaced:Q"),
        at.transform_filter("!datum.published").mark_point(shape="circle", fill=own, stroke=own, size=18, opacity=1),
        at.transform_filter("datum.published").mark_point(shape="diamond", fill=own, stroke=own, size=70, opacity=1),
        label.mark_text(dy=-11, stroke="var(--panel)", strokeWidth=3, fontSize=10),
        label.mark_text(dy=-11, fill="var(--ink)", fontSize=10),
    )
    versions = ", ".join(f"version {point.version} in {point.span}" for point in published) or "nothing"
    ends = " and ".join(f"{metric.figure(point.value)} in {point.span}" for point in (points[0], points[-1]))
    words = f"{ends}. Published: {versions}."
    return svg(layers, f"{model}: {metric.name} of the model in production, {words}", HEIGHT)


def stacked(runs: Sequence[tuple[str, Mapping[str, float]]], colours: Mapping[str, str]) -> Markup:
    """Draw a bar for each run: the nodes that have a colour from below, then all others.

    Args:
        runs: the span and the seconds of the nodes of each.
        colours: as from `colours`.
    """
    rows = []
    for number, (span, spent) in enumerate(runs):
        parts = {node: spent.get(node, 0.0) for node in colours if node != OTHERS}
        parts[OTHERS] = sum(spent.values()) - sum(parts.values())
        rows += [{"run": f"{number:05}{span}", "rank": rank, "seconds": value} for rank, value in enumerate(parts.values())]
    scale = alt.Scale(domain=list(range(len(colours))), range=list(colours.values()))
    bars = chart(rows).mark_bar(stroke="var(--panel)", strokeWidth=0.5)
    bars = bars.encode(
        x=_x("run", label="slice(datum.value, 5)"),
        y=alt.Y("seconds:Q", title="seconds", axis=alt.Axis(titlePadding=12)),
        color=alt.Color("rank:O", legend=None, scale=scale),
        order="rank:Q",
    )
    longest = max(sum(spent.values()) for _, spent in runs)
    words = f"Seconds of the nodes in {len(runs)} runs, up to {longest:.0f} a run; the table beside it has the figures."
    return svg(bars, words, HEIGHT)


def colours(runs: Iterable[RunFacts], slowest: Sequence[str]) -> dict[str, str]:
    """Choose a colour for each of the slowest nodes, the same however slow a node is, and for all others."""
    names = sorted({node.name for run in runs for node in run.nodes})
    own = {name: f"var(--node-{names.index(name) % PALETTE + 1})" for name in slowest[:SLOWEST]}
    return own | {OTHERS: "var(--node-others)"}


def _x(field: str, label: str = "datum.label") -> alt.X:
    axis = alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=16, labelExpr=label)
    return alt.X(f"{field}:O", title=None, axis=axis)
