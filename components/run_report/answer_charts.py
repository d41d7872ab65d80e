"""The charts of what models answered, for each task: how well answers and labels fit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import altair as alt
from markupsafe import Markup

from components.run_report.charts import COLOURS, FIT, PLOT, ROW, SHARE, lined, marked, shaded, step_rows, stepped
from components.run_report.facts import ClassCurves, Curves, NumberCurves
from components.run_report.vega import chart, svg

Points = Sequence[tuple[float, float]]
NAMED = 24  # classes whose share fits into their square


def curves(found: Mapping[str, Curves | ClassCurves | NumberCurves]) -> dict[str, Markup]:
    """Draw the curves of one or two models, by the name of each chart."""
    return DRAWN[type(next(iter(found.values())))](found) if found else {}


def of_probabilities(found: Mapping[str, Curves]) -> dict[str, Markup]:
    """Draw the curves of one or two models, and for each how its scores separate negatives (shaded) from positives (a line)."""
    both = " and ".join(found)
    roc = [_curve(each.roc, role, "false positive rate", "true positive rate") for role, each in found.items()]
    precision = [_curve(each.precision_recall, role, "recall", "precision") for role, each in found.items()]
    return {
        "calibration": _calibration(found, "mean score", "share of positives"),
        "ROC": svg(alt.layer(_diagonal(1), *roc), f"ROC curve of {both}", PLOT),
        "precision and recall": svg(alt.layer(*precision), f"Precision-recall curve of {both}", PLOT),
        **{f"scores of {role}": _scores(each, role) for role, each in found.items()},
    }


def _scores(found: Curves, role: str) -> Markup:
    x = alt.X("x:Q", title="score", axis=alt.Axis(format="~f", grid=False))
    y = alt.Y("y:Q", title="share of rows", axis=SHARE)
    buckets = len(found.negatives)
    edges = [step / buckets for step in range(buckets + 1)]
    negatives, positives = (step_rows(edges, each).encode(x=x, y=y) for each in (found.negatives, found.positives))
    layers = alt.layer(shaded(negatives, "var(--muted)"), stepped(positives, role))
    return svg(layers, f"Score distribution of {role}", PLOT)


def _calibration(found: Mapping[str, Curves] | Mapping[str, ClassCurves], across: str, up: str) -> Markup:
    pairs = {role: [(score, share) for score, share, _ in each.calibration] for role, each in found.items()}
    most = max((value for points in pairs.values() for point in points for value in point), default=1.0)
    layers: list[alt.Chart] = [_diagonal(most)]
    for role, points in pairs.items():
        line = _curve(points, role, across, up, most)
        layers += [line, marked(line, role, size=28)]
    return svg(alt.layer(*layers), f"Calibration curve of {' and '.join(found)}", PLOT)


def of_classes(found: Mapping[str, ClassCurves]) -> dict[str, Markup]:
    """Draw the confusion matrix of each model, and how often the likeliest class came."""
    matrices = {f"confusion of {role}": _confusion(each, role) for role, each in found.items()}
    return matrices | {"calibration": _calibration(found, "mean probability of the likeliest class", "share that came")}


def _confusion(found: ClassCurves, role: str) -> Markup:
    names = [f"{name} ({rows:,})" for name, rows in zip(found.classes, found.rows, strict=True)]
    cells = [
        {"y": came, "x": likeliest, "share": share, "words": f"{share:.0%}" if share >= 0.005 else ""}  # noqa: PLR2004
        for came, shares in zip(names, found.confusion, strict=True)
        for likeliest, share in zip(found.classes, shares, strict=True)
    ]
    x = alt.X("x:N", title="predicted", sort=None, scale=alt.Scale(domain=found.classes), axis=alt.Axis(labelAngle=-40))
    base = chart(cells).encode(x=x, y=alt.Y("y:N", title="actual", sort=None, scale=alt.Scale(domain=names)))
    shares = alt.Opacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0, 0.75]))
    layers: list[Any] = [base.mark_rect(color=COLOURS[role]).encode(opacity=shares)]
    if len(found.classes) <= NAMED:
        layers.append(base.mark_text(fontSize=10, fill="var(--ink)").encode(text="words:N"))
    right = sum(row[place] for place, row in enumerate(found.confusion)) / len(found.classes)
    words = f"Confusion matrix of {role}: of {len(found.classes)} classes, {right:.0%} of the rows on average were told right"
    return svg(alt.layer(*layers), words, max(PLOT, ROW * len(found.classes)))


def of_numbers(found: Mapping[str, NumberCurves]) -> dict[str, Markup]:
    """Draw labels by prediction, and the distributions of the residuals."""
    ends = [value for each in found.values() for point in each.fit for value in point[:2]]
    scale = alt.Scale(domain=[min(ends), max(ends)])
    both = chart([{"x": min(ends), "y": min(ends)}, {"x": max(ends), "y": max(ends)}])
    layers: list[Any] = [both.mark_line(color="var(--muted)", strokeWidth=1, strokeDash=[1, 2]).encode(x="x:Q", y="y:Q")]
    for role, each in found.items():
        rows = chart([{"x": x, "y": y, "low": low, "high": high} for x, y, low, high in each.fit])
        rows = rows.encode(x=alt.X("x:Q", title="prediction", scale=scale, axis=FIT))
        if role == "candidate":
            layers.append(rows.mark_rule(color=COLOURS[role], opacity=0.35, strokeWidth=3).encode(y="low:Q", y2="high:Q"))
        layers.append(marked(rows.encode(y=alt.Y("y:Q", title="label", axis=FIT)), role, size=28))
    residuals = []
    for role, each in found.items():
        steps = step_rows(each.edges, each.residuals).encode(
            x=alt.X("x:Q", title="label less prediction", axis=alt.Axis(format="~f", grid=False)),
            y=alt.Y("y:Q", title="share of rows", axis=SHARE),
        )
        residuals.append(shaded(steps, COLOURS[role]) if role == "candidate" else stepped(steps, role))
    names = " and ".join(found)
    return {
        "predicted and actual": svg(alt.layer(*layers), f"Labels by prediction of {names}", PLOT),
        "residuals": svg(alt.layer(*residuals), f"Residuals of {names}", PLOT),
    }


def _curve(points: Points, role: str, x: str, y: str, most: float = 1.0) -> alt.Chart:
    unit = alt.Scale(domain=[0, most], nice=most != 1)
    rows = chart([{"x": across, "y": up} for across, up in points]).encode(
        x=alt.X("x:Q", title=x, scale=unit, axis=FIT), y=alt.Y("y:Q", title=y, scale=unit, axis=FIT), order=alt.Order("x:Q")
    )
    return lined(rows, role)


def _diagonal(most: float) -> alt.Chart:
    ends = chart([{"x": 0, "y": 0}, {"x": most, "y": most}])
    return ends.mark_line(color="var(--muted)", strokeWidth=1, strokeDash=[1, 2]).encode(x="x:Q", y="y:Q")


DRAWN = cast(
    "Mapping[type, Callable[[Mapping[str, Any]], dict[str, Markup]]]",
    {Curves: of_probabilities, ClassCurves: of_classes, NumberCurves: of_numbers},
)
