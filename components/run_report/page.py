"""The page of a run: one HTML file, a pure function of its facts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from components.drift_monitor.report import Check
from components.run_report import charts, dag_picture
from components.run_report.drift_rank import ratio, worst_by_feature, worst_first
from components.run_report.facts import Curves, FeatureFacts, Metric, ModelFacts, RunFacts
from components.run_report.gates import VERDICTS, gates
from components.run_report.templating import environment

FEATURES_SHOWN = 6  # distributions that are not folded: those that moved most
SLICE_ROWS = 100  # of a slice that is drawn: smaller ones say little, and would set the scale

OUTCOMES = {
    "published": ("good", "Published"),
    "not_blessed": ("warn", "Not published"),
    "stable": ("good", "No new model needed"),
    "stopped": ("bad", "Stopped by a gate"),
    "failed": ("bad", "Failed"),
    "unfinished": ("warn", "Unfinished"),
}
STATES = {"done": "good", "cached": "quiet", "failed": "bad", "skipped": "quiet", "not_run": "quiet"}


def render(facts: RunFacts) -> str:
    """The page, which needs nothing beside itself."""
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            facts=facts,
            outcome=OUTCOMES[facts.outcome],
            verdicts=VERDICTS,
            states=STATES,
            state_words=dag_picture.WORDS,
            stopper=next((node for node in facts.nodes if node.state == "failed"), None),
            absent=absent(facts),
            gates=list(gates(facts)),
            dag=dag_picture.svg(facts.nodes),
            auc=next((metric for metric in facts.candidate.metrics if metric.name == "AUC"), None) if facts.candidate else None,
            features=features(facts) if facts.data else [],
            features_shown=FEATURES_SHOWN,
            slice_rows=SLICE_ROWS,
            checks=[(check, ratio(check)) for check in worst_first(facts.drift.checks)] if facts.drift else [],
            pictures=pictures(facts.candidate) if facts.candidate else {},
            change=change,
            settings=dict(flat(facts.configuration)),
        )
    )


def absent(facts: RunFacts) -> str:
    """Why a part of the page is empty."""
    stopper = next((node.name for node in facts.nodes if node.state == "failed"), None)
    if stopper:
        return f"Nothing to show: {stopper} ended the run before."
    if facts.outcome == "stable":
        return "Nothing to show: no new model was trained, since no check called for one."
    return (
        "Nothing to show: the run has none." if facts.outcome != "unfinished" else "Nothing to show: the run was ended before."
    )


def features(facts: RunFacts) -> list[tuple[FeatureFacts, Markup | None, Check | None]]:
    """Features with their chart and their worst drift check; those that moved most come first."""
    assert facts.data is not None
    worst = worst_by_feature(facts.drift.checks) if facts.drift else {}
    moved = {name: place for place, name in enumerate(worst)}
    ordered = sorted(facts.data.features, key=lambda feature: moved.get(feature.name, len(moved)))
    return [(feature, _chart(feature), worst.get(feature.name)) for feature in ordered]


def _chart(feature: FeatureFacts) -> Markup | None:
    parts = (feature.train, feature.eval, feature.reference)
    return charts.feature(feature) if any(part and any(part.shares) for part in parts) else None


def pictures(candidate: ModelFacts) -> dict[str, Markup]:
    """The charts of a model, by name; without those of which there are no figures."""
    both = {"candidate": candidate.candidate, "production": candidate.production}
    curves: Mapping[str, Curves] = {role: found for role, found in both.items() if found}
    made: dict[str, Markup] = {}
    large = [found for found in candidate.slices if found.rows >= SLICE_ROWS]
    if large and candidate.metrics:
        metric = candidate.metrics[0]
        made["slices"] = charts.slices(large, metric.name, metric.candidate.value)
    if curves:
        made["calibration"] = charts.calibration(curves)
        made["ROC"] = charts.roc(curves)
        made["precision and recall"] = charts.precision_recall(curves)
        made |= {f"scores of {role}": charts.scores(found, role) for role, found in curves.items()}
    if candidate.loss:
        made["loss"] = charts.loss(candidate.loss)
    if candidate.importance:
        made["importance"] = charts.importance(candidate.importance)
    return made


def change(metric: Metric) -> tuple[float, str] | None:
    """Candidate less production, and whether that is better; None without production."""
    if metric.production is None:
        return None
    new, old = metric.candidate.value, metric.production.value
    gain = {"higher": new - old, "lower": old - new, "nearer 1": abs(old - 1) - abs(new - 1)}[metric.better]
    return new - old, "better" if gain > 0 else "worse" if gain < 0 else "same"


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as `section.key` and value."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
