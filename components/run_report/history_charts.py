"""The charts of the history page."""

from collections.abc import Sequence

import altair as alt
from markupsafe import Markup

from components.run_report.facts import RunFacts
from components.run_report.history_series import Durations, Point, seconds
from components.run_report.vega import svg

HEIGHT = 190  # of a plot, px
LABELS = 8  # versions that fit side by side
SLOWEST = 6  # nodes that have a colour of their own
PALETTE = 20  # --node-1 to --node-20 in history.css
OTHERS = "other nodes"


def production(model: str, points: Sequence[Point]) -> Markup:
    """Draw the AUC of the model in production by month; a diamond is a publication, a ring the model that it replaced."""
    published = [point for point in points if point.published]
    step = -(-len(published) // LABELS)
    named = {point.span for point in published[::-1][:: step or 1]}  # from the newest back
    labels = {}  # a month's publications share one label, at the highest of them: side by side they would overlap
    for span in named:
        of_span = [point for point in published if point.span == span]
        labels[max(of_span, key=lambda point: point.auc)] = ", ".join(f"v{point.version}" for point in of_span)
    rows = [
        {
            "month": point.span,
            "auc": point.auc,
            "low": point.interval[0] if point.interval else None,
            "high": point.interval[1] if point.interval else None,
            "replaced": point.replaced,
            "published": point.published,
            "version": labels.get(point, ""),
        }
        for point in points
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(x=_x("month"))
    own = "var(--production)"
    auc = alt.Y("auc:Q", title="AUC", axis=alt.Axis(titlePadding=12), scale=alt.Scale(zero=False, padding=12))
    replaced = base.transform_filter("datum.replaced != null")
    diamond = base.transform_filter("datum.published")
    chart = alt.layer(
        base.transform_filter("datum.low != null")
        .mark_rule(stroke=own, opacity=0.35, strokeWidth=3)
        .encode(y="low:Q", y2="high:Q"),
        replaced.mark_rule(stroke="var(--muted)", strokeDash=[2, 2]).encode(y=auc, y2="replaced:Q"),
        base.mark_line(stroke=own, strokeWidth=1.5).encode(y=auc),
        replaced.mark_point(stroke="var(--muted)", fill="var(--panel)", size=28, opacity=1).encode(y="replaced:Q"),
        base.transform_filter("!datum.published")
        .mark_point(shape="circle", fill=own, stroke=own, size=18, opacity=1)
        .encode(y=auc),
        diamond.mark_point(shape="diamond", fill=own, stroke=own, size=70, opacity=1).encode(y=auc),
        diamond.mark_text(dy=-11, stroke="var(--panel)", strokeWidth=3, fontSize=10).encode(y=auc, text="version:N"),
        diamond.mark_text(dy=-11, fill="var(--ink)", fontSize=10).encode(y=auc, text="version:N"),
    )
    return svg(chart, f"{model}: {_words(points)}", HEIGHT)


def _words(points: Sequence[Point]) -> str:
    changes = ", ".join(f"version {point.version} in {point.span}" for point in points if point.published)
    first, last = points[0], points[-1]
    return (
        f"AUC of the model in production, {first.auc:.3f} in {first.span} and {last.auc:.3f} in {last.span}. "
        f"Published: {changes or 'nothing'}."
    )


def stacked(runs: Sequence[RunFacts], nodes: Sequence[Durations]) -> Markup:
    """Draw a bar for each run: the slowest nodes from below, then all others."""
    names, legend_colours = slowest(nodes), legend(runs, nodes)
    rows = []
    for number, run in enumerate(runs):
        spent = seconds(run)
        parts = {node: spent.get(node, 0.0) for node in names}
        parts[OTHERS] = sum(spent.values()) - sum(parts.values())
        rows += [
            {"run": f"{number:05}{run.span}", "node": node, "rank": rank, "seconds": value}
            for rank, (node, value) in enumerate(parts.items())
        ]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(stroke="var(--panel)", strokeWidth=0.5)
        .encode(
            x=_x("run", label="slice(datum.value, 5)"),
            y=alt.Y("seconds:Q", title="seconds", axis=alt.Axis(titlePadding=12)),
            color=alt.Color(
                "rank:O", legend=None, scale=alt.Scale(domain=list(range(len(names) + 1)), range=list(legend_colours.values()))
            ),
            order="rank:Q",
        )
    )
    longest = max((sum(seconds(run).values()) for run in runs), default=0.0)
    return svg(
        chart,
        f"Seconds of the nodes in {len(runs)} runs, up to {longest:.0f} a run; the table beside it has the figures.",
        HEIGHT,
    )


def slowest(nodes: Sequence[Durations]) -> list[str]:
    """Name the nodes that have a colour of their own."""
    return [each.node for each in nodes[:SLOWEST]]


def colours(runs: Sequence[RunFacts]) -> dict[str, str]:
    """Choose a colour for each node of the DAG, the same however slow the node is."""
    names = sorted({node.name for run in runs for node in run.nodes})
    return {name: f"var(--node-{place % PALETTE + 1})" for place, name in enumerate(names)} | {OTHERS: "var(--node-others)"}


def legend(runs: Sequence[RunFacts], nodes: Sequence[Durations]) -> dict[str, str]:
    """Map what has a colour of its own, and all others, to their colours."""
    known = colours(runs)
    return {name: known[name] for name in [*slowest(nodes), OTHERS]}


def _x(field: str, label: str = "datum.label") -> alt.X:
    axis = alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=16, labelExpr=label)
    return alt.X(f"{field}:O", title=None, axis=axis)
