"""The charts of a run's page. Each is a pure function of facts; a role has one colour, and a dash or shape, everywhere."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from components.run_report.facts import FeatureFacts, Importance, SliceFacts
from components.run_report.vega import chart, svg

ROW = 16  # px of a category, a slice or a feature
HISTOGRAM, PLOT = 96, 190  # px: heights
TICKS = 8  # epochs that are named
COLOURS = {role: f"var(--{role})" for role in ("candidate", "production", "train", "eval", "reference")}
DASHES = {"production": [6, 3], "reference": [3, 2]}
SHAPES = {"production": "diamond", "eval": "square", "reference": "diamond"}  # others are circles
FIT = alt.Axis(format="~f")  # a number with as few digits as it needs
SHARE = alt.Axis(format="~%")


def feature(found: FeatureFacts) -> Markup | None:
    """Draw a feature's distributions over each other: train shaded, eval a line or squares, reference dashed or diamonds.

    Returns:
        None if no dataset has a value.
    """
    parts = {"train": found.train, "eval": found.eval, "reference": found.reference}
    present = {role: part.shares for role, part in parts.items() if part and part.shares}
    if not any(map(any, present.values())):
        return None
    label = f"Distribution of {found.name} in {', '.join(present)}"
    if found.edges is not None:
        ends = alt.Scale(domain=[found.edges[0], found.edges[-1]], nice=False)
        x = alt.X("x:Q", title=None, scale=ends, axis=alt.Axis(format="~f", grid=False))
        y = alt.Y("y:Q", title=None, axis=alt.Axis(format="~%", tickCount=3))
        steps = {role: step_rows(found.edges, shares).encode(x=x, y=y) for role, shares in present.items()}
        layers = [shaded(each, COLOURS[role]) if role == "train" else stepped(each, role) for role, each in steps.items()]
        return svg(alt.layer(*layers), label, HISTOGRAM)
    names = found.categories or []
    x = alt.X("x:Q", title=None, axis=SHARE)
    y = alt.Y("y:N", title=None, sort=None, scale=alt.Scale(domain=names))
    layers = []
    for role, shares in present.items():
        rows = chart([{"x": share, "y": name} for name, share in zip(names, shares, strict=True)]).encode(x=x, y=y)
        layers.append(rows.mark_bar(color=COLOURS[role], opacity=0.3) if role == "train" else marked(rows, role, size=28))
    return svg(alt.layer(*layers), label, max(HISTOGRAM, ROW * len(names)))


def slices(found: Sequence[SliceFacts], metric: str, overall: float) -> Markup:
    """Draw a row for each slice and a point for each model, with the candidate's figure for all rows as a line."""
    names = [f"{each.name} ({each.rows:,})" for each in found]
    y = alt.Y("y:N", title=None, sort=None, scale=alt.Scale(domain=names), axis=alt.Axis(grid=True))
    x = alt.X("x:Q", title=metric, scale=alt.Scale(zero=False), axis=FIT)
    models = {"production": [each.production for each in found], "candidate": [each.candidate for each in found]}
    rows = {
        role: {name: values[metric] for name, values in zip(names, of_slices, strict=True) if metric in values}
        for role, of_slices in models.items()
    }
    new, old = rows["candidate"], rows["production"]
    pairs = [{"y": name, "x": new[name], "x2": old[name]} for name in new if name in old]
    layers = [
        chart([{"x": overall}]).mark_rule(color=COLOURS["candidate"], strokeDash=[1, 2]).encode(x=x),
        chart(pairs).mark_rule(color="var(--muted)").encode(x=x, x2="x2:Q", y=y),
    ]
    for role, values in rows.items():
        points = chart([{"y": name, "x": value} for name, value in values.items()]).encode(x=x, y=y)
        layers.append(marked(points, role, size=42))
    return svg(alt.layer(*layers), f"{metric} by slice, candidate and production", ROW * max(1, len(found)))


def loss(found: Mapping[str, Sequence[float]]) -> Markup:
    """Draw the loss by epoch. Names are roles such as "train" and "eval"; others get the colour of text."""
    layers: list[alt.Chart] = []
    epochs = list(range(1, max(map(len, found.values())) + 1))
    ticks = alt.Axis(values=epochs[:: math.ceil(len(epochs) / TICKS)], format="d", grid=False)
    x = alt.X("x:Q", title="epoch", axis=ticks, scale=alt.Scale(domain=[1, max(2, len(epochs))], nice=False))
    y = alt.Y("y:Q", title="loss", scale=alt.Scale(zero=False), axis=FIT)
    for name, values in found.items():
        line = chart([{"x": epoch, "y": value} for epoch, value in enumerate(values, start=1)]).encode(x=x, y=y)
        layers += [lined(line, name), marked(line, name, size=32)]
    return svg(alt.layer(*layers), f"Loss by epoch: {', '.join(found)}", PLOT)


def importance(found: Sequence[Importance], metric: str) -> Markup:
    """Draw a bar for each feature, with a standard deviation to either side."""
    values = [(each.feature, each.lost, each.spread) for each in found]
    rows = chart([{"y": name, "x": lost, "a": lost - spread, "b": lost + spread} for name, lost, spread in values])
    rows = rows.encode(y=alt.Y("y:N", title=None, sort=None))
    bars = rows.mark_bar(color=COLOURS["candidate"], opacity=0.55).encode(x=alt.X("x:Q", title=f"loss of {metric}", axis=FIT))
    spread = rows.mark_rule(color="var(--ink)").encode(x=alt.X("a:Q", title=f"loss of {metric}"), x2="b:Q")
    return svg(alt.layer(bars, spread), "Importance of each feature by permutation", ROW * max(1, len(found)))


def step_rows(edges: Sequence[float], shares: Sequence[float]) -> alt.Chart:
    """Make the rows of a step function: each share from its edge on."""
    heights = [*shares, *shares[-1:]]  # the last step ends at the last edge
    return chart([{"x": edge, "y": share} for edge, share in zip(edges, heights, strict=True)])


def shaded(steps: alt.Chart, colour: str) -> alt.Chart:
    """Draw steps as a shaded area."""
    return steps.mark_area(interpolate="step-after", color=colour, opacity=0.3)


def stepped(steps: alt.Chart, role: str) -> alt.Chart:
    """Draw steps as a line, dashed as its role is."""
    return lined(steps, role, interpolate="step-after")


def lined(rows: alt.Chart, role: str, **settings: Any) -> alt.Chart:
    """Draw rows as a line, dashed as its role is."""
    dash = DASHES.get(role, [1, 0])
    return rows.mark_line(color=COLOURS.get(role, "var(--ink)"), strokeWidth=1.8, strokeDash=dash, **settings)


def marked(rows: alt.Chart, role: str, size: int) -> alt.Chart:
    """Draw rows as points, shaped as their role is."""
    colour = COLOURS.get(role, "var(--ink)")
    fill = "var(--panel)" if role in ("reference", "production") else colour
    return rows.mark_point(shape=SHAPES.get(role, "circle"), size=size, stroke=colour, fill=fill, opacity=1)
