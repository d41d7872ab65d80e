"""The charts of a run's page. Each is a pure function of facts; a role has one colour, and a dash or shape, everywhere."""

import math
from collections.abc import Iterator, Mapping, Sequence

import altair as alt
from markupsafe import Markup

from components.run_report import vega
from components.run_report.facts import Curves, Distribution, FeatureFacts, Importance, SliceFacts

ROW = 16  # px of a category, a slice or a feature
HISTOGRAM, PLOT = 96, 190  # px: heights
TICKS = 8  # epochs that are named
COLOURS = {role: f"var(--{role})" for role in ("candidate", "production", "train", "eval", "reference")}
DASHES = {"production": [6, 3], "reference": [3, 2]}
SHAPES = {"candidate": "circle", "production": "diamond", "train": "circle", "eval": "square", "reference": "diamond"}
FIT = "~f"  # a number with as few digits as it needs

Points = Sequence[tuple[float, float]]


def feature(found: FeatureFacts) -> Markup:
    """Draw a feature's distributions over each other: train shaded, eval a line or squares, reference dashed or diamonds."""
    parts = {"train": found.train, "eval": found.eval, "reference": found.reference}
    present = {role: part for role, part in parts.items() if part is not None and part.shares}
    label = f"Distribution of {found.name} in {', '.join(present)}"
    if found.edges is not None:
        layers = [_histogram(found.edges, part.shares, role) for role, part in present.items()]
        return vega.svg(alt.layer(*layers), label, HISTOGRAM)
    categories = found.categories or []
    return vega.svg(alt.layer(*_categories(categories, present)), label, max(HISTOGRAM, ROW * len(categories)))


def _histogram(edges: Sequence[float], shares: Sequence[float], role: str) -> alt.Chart:
    heights = [*shares, shares[-1]]  # the last step ends at the last edge
    steps = _chart([{"x": edge, "y": share} for edge, share in zip(edges, heights, strict=True)])
    steps = steps.encode(
        x=alt.X(
            "x:Q", title=None, scale=alt.Scale(domain=[edges[0], edges[-1]], nice=False), axis=alt.Axis(format=FIT, grid=False)
        ),
        y=alt.Y("y:Q", title=None, axis=alt.Axis(format="~%", tickCount=3)),
    )
    return _shaded(steps, role) if role == "train" else _line(steps, role, interpolate="step-after")


def _shaded(steps: alt.Chart, role: str) -> alt.Chart:
    return steps.mark_area(interpolate="step-after", color=COLOURS[role], opacity=0.3)


def _categories(names: Sequence[str], parts: Mapping[str, Distribution]) -> Iterator[alt.Chart]:
    for role, part in parts.items():
        rows = _chart([{"x": share, "y": name} for name, share in zip(names, part.shares, strict=True)])
        rows = rows.encode(
            x=alt.X("x:Q", title=None, axis=alt.Axis(format="~%")),
            y=alt.Y("y:N", title=None, sort=None, scale=alt.Scale(domain=list(names))),
        )
        if role == "train":
            yield rows.mark_bar(color=COLOURS[role], opacity=0.3)
        else:
            yield _points(rows, role, size=28)


def slices(found: Sequence[SliceFacts], metric: str, overall: float) -> Markup:
    """Draw a row for each slice and a point for each model, with the candidate's figure for all rows as a line."""
    names = [f"{each.name} ({each.rows:,})" for each in found]
    y = alt.Y("y:N", title=None, sort=None, scale=alt.Scale(domain=names), axis=alt.Axis(grid=True))
    x = alt.X("x:Q", title=metric, scale=alt.Scale(zero=False), axis=alt.Axis(format=FIT))
    both = [(name, each.candidate.get(metric), each.production.get(metric)) for name, each in zip(names, found, strict=True)]
    pairs = [{"y": name, "x": new, "x2": old} for name, new, old in both if new is not None and old is not None]
    layers = [
        _chart([{"x": overall}] if overall is not None else [])
        .mark_rule(color=COLOURS["candidate"], strokeDash=[1, 2])
        .encode(x=x),
        _chart(pairs).mark_rule(color="var(--muted)").encode(x=x, x2="x2:Q", y=y),
    ]
    for role, position in (("production", 2), ("candidate", 1)):
        rows = [{"y": each[0], "x": each[position]} for each in both if each[position] is not None]
        layers.append(_points(_chart(rows).encode(x=x, y=y), role, size=42))
    return vega.svg(alt.layer(*layers), f"{metric} by slice, candidate and production", ROW * max(1, len(found)))


def roc(curves: Mapping[str, Curves]) -> Markup:
    """Draw the true against the false positive rate."""
    layers = [
        _diagonal(1),
        *(_curve(found.roc, role, "false positive rate", "true positive rate") for role, found in curves.items()),
    ]
    return vega.svg(alt.layer(*layers), f"ROC curve of {' and '.join(curves)}", PLOT)


def precision_recall(curves: Mapping[str, Curves]) -> Markup:
    """Draw precision against recall."""
    layers = [_curve(found.precision_recall, role, "recall", "precision") for role, found in curves.items()]
    return vega.svg(alt.layer(*layers), f"Precision-recall curve of {' and '.join(curves)}", PLOT)


def calibration(curves: Mapping[str, Curves]) -> Markup:
    """Draw the mean score of each bucket of rows against its share of positives."""
    pairs = {role: [(score, share) for score, share, _ in found.calibration] for role, found in curves.items()}
    most = max((value for points in pairs.values() for point in points for value in point), default=1.0)
    layers: list[alt.Chart] = [_diagonal(most)]
    for role, points in pairs.items():
        line = _curve(points, role, "mean score", "share of positives", most)
        layers += [line, _points(line, role, size=28)]
    return vega.svg(alt.layer(*layers), f"Calibration curve of {' and '.join(curves)}", PLOT)


def scores(found: Curves, role: str) -> Markup:
    """Draw how one model's scores separate the negatives (shaded) from the positives (a line)."""
    layers = []
    for kind, shares in (("negatives", found.negatives), ("positives", found.positives)):
        heights = [*shares, shares[-1]] if shares else []
        steps = _chart([{"x": step / len(shares), "y": share} for step, share in enumerate(heights)]).encode(
            x=alt.X("x:Q", title="score", axis=alt.Axis(format=FIT, grid=False)),
            y=alt.Y("y:Q", title="share of rows", axis=alt.Axis(format="~%")),
        )
        if kind == "negatives":
            layers.append(steps.mark_area(interpolate="step-after", color="var(--muted)", opacity=0.3))
        else:
            layers.append(_line(steps, role, interpolate="step-after"))
    return vega.svg(alt.layer(*layers), f"Score distribution of {role}", PLOT)


def loss(found: Mapping[str, Sequence[float]]) -> Markup:
    """Draw the loss by epoch. Names are roles such as "train" and "eval"; others get the colour of text."""
    layers: list[alt.Chart] = []
    epochs = list(range(1, max(map(len, found.values())) + 1))
    ticks = alt.Axis(values=epochs[:: math.ceil(len(epochs) / TICKS)], format="d", grid=False)
    for name, values in found.items():
        line = _chart([{"x": epoch, "y": value} for epoch, value in enumerate(values, start=1)]).encode(
            x=alt.X("x:Q", title="epoch", axis=ticks, scale=alt.Scale(domain=[1, max(2, len(epochs))], nice=False)),
            y=alt.Y("y:Q", title="loss", scale=alt.Scale(zero=False), axis=alt.Axis(format=FIT)),
        )
        layers += [_line(line, name), _points(line, name, size=32)]
    return vega.svg(alt.layer(*layers), f"Loss by epoch: {', '.join(found)}", PLOT)


def importance(found: Sequence[Importance]) -> Markup:
    """Draw a bar for each feature, with a standard deviation to either side."""
    values = [(each.feature, each.auc_loss, each.spread) for each in found]
    rows = _chart([{"y": name, "x": lost, "a": lost - spread, "b": lost + spread} for name, lost, spread in values])
    rows = rows.encode(y=alt.Y("y:N", title=None, sort=None))
    axis = alt.X("x:Q", title="loss of AUC", axis=alt.Axis(format=FIT))
    bars = rows.mark_bar(color=COLOURS["candidate"], opacity=0.55).encode(x=axis)
    spread = rows.mark_rule(color="var(--ink)").encode(x=alt.X("a:Q", title="loss of AUC"), x2="b:Q")
    return vega.svg(alt.layer(bars, spread), "Importance of each feature by permutation", ROW * max(1, len(found)))


def _chart(rows: list[dict]) -> alt.Chart:
    return alt.Chart(alt.Data(values=rows))


def _curve(points: Points, role: str, x: str, y: str, most: float = 1.0) -> alt.Chart:
    unit = alt.Scale(domain=[0, most], nice=most != 1)
    chart = _chart([{"x": across, "y": up} for across, up in points]).encode(
        x=alt.X("x:Q", title=x, scale=unit, axis=alt.Axis(format=FIT)),
        y=alt.Y("y:Q", title=y, scale=unit, axis=alt.Axis(format=FIT)),
        order=alt.Order("x:Q"),
    )
    return _line(chart, role)


def _diagonal(most: float) -> alt.Chart:
    ends = _chart([{"x": 0, "y": 0}, {"x": most, "y": most}])
    return ends.mark_line(color="var(--muted)", strokeWidth=1, strokeDash=[1, 2]).encode(x="x:Q", y="y:Q")


def _line(chart: alt.Chart, role: str, **settings: str) -> alt.Chart:
    return chart.mark_line(
        color=COLOURS.get(role, "var(--ink)"), strokeWidth=1.8, strokeDash=DASHES.get(role, [1, 0]), **settings
    )


def _points(chart: alt.Chart, role: str, size: int) -> alt.Chart:
    hollow = role in ("reference", "production")
    colour = COLOURS.get(role, "var(--ink)")
    return chart.mark_point(
        shape=SHAPES.get(role, "circle"), size=size, stroke=colour, fill="var(--panel)" if hollow else colour, opacity=1
    )
