"""Render the page of a run: one HTML file, a pure function of its facts."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from components.model_store import contents
from components.run_report import charts, dag_picture, links
from components.run_report.changes import changes, flat
from components.run_report.drift_rank import ratio, worst_by_feature, worst_first
from components.run_report.facts import Curves, FeatureFacts, Gate, Limit, ModelFacts, RunFacts
from components.run_report.gates import VERDICTS
from components.run_report.limit_words import words
from components.run_report.templating import environment
from components.shared.drift_report import Check

FEATURES_SHOWN = 6  # distributions that are not folded: those that drifted most
SLICE_ROWS = 100  # of a slice that is drawn: smaller ones say little, and would set the scale

OUTCOMES = {
    "published": ("good", "Published"),
    "not_blessed": ("warn", "Not published"),
    "stable": ("good", "No new model needed"),
    "stopped": ("bad", "Stopped by a gate"),
    "failed": ("bad", "Failed"),
    "unfinished": ("warn", "Unfinished"),
}
STATES = dict.fromkeys(dag_picture.WORDS, "quiet") | {"done": "good", "failed": "bad", "refused": "bad"}
GATE_STATES = {
    "passed": ("good", "passed"),
    "refused": ("bad", "refused"),
    "failed": ("bad", "failed"),
    "not_tried": ("quiet", "not tried"),
}


def render(facts: RunFacts, folder: Path | None = None, before: RunFacts | None = None, after: RunFacts | None = None) -> str:
    """Render the page, which needs no other file.

    Args:
        facts: of the run.
        folder: where the page will be, from which its links lead to the log, the card and the artifacts; None: without these.
        before, after: the runs of the same model before and after it.
    """
    data = facts.gates[0] if facts.gates else None
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            facts=facts,
            before=before,
            after=after,
            changes=changes(before, facts) if before else [],
            neighbour=lambda run: f"../{quote(run.run)}/index.html",
            addresses=addresses(facts, folder),
            address=lambda place: links.to(place, folder),
            outcome=OUTCOMES[facts.outcome],
            verdicts=VERDICTS,
            states=STATES,
            state_words=dag_picture.WORDS,
            stopper=next((node for node in facts.nodes if node.message), None),
            absent=absent(facts),
            decisive=[(gate, decisive(gate)) for gate in facts.gates],
            gate_states=GATE_STATES,
            refused_data=data is not None and data.state == "refused",
            stop_on=facts.configuration.get("gate", {}).get("stop_on", ["error"]),
            in_words=words,
            dag=dag_picture.svg(facts.nodes),
            auc=next((metric for metric in facts.candidate.metrics if metric.name == "AUC"), None) if facts.candidate else None,
            features=features(facts) if facts.data else [],
            features_shown=FEATURES_SHOWN,
            slice_rows=SLICE_ROWS,
            of_one_class=bool(facts.candidate and any("AUC" not in each.candidate for each in facts.candidate.slices)),
            checks=[(check, ratio(check)) for check in worst_first(facts.drift.checks)] if facts.drift else [],
            pictures=pictures(facts.candidate) if facts.candidate else {},
            settings=dict(flat(facts.configuration)),
        )
    )


def addresses(facts: RunFacts, folder: Path | None) -> dict[str, str]:
    """Return the addresses to read more at, by what a person calls them."""
    card = contents.CARD if facts.published else ""
    places = {
        "Log": facts.log,
        "Model card": f"{facts.published}/{contents.CARD}" if facts.published else "",
        "Published folder": facts.published,
        "Card of the model in production": "" if card or not facts.in_production else f"{facts.in_production}/{contents.CARD}",
    }
    return {name: address for name, place in places.items() if place and (address := links.to(place, folder))}


def decisive(gate: Gate) -> list[Limit]:
    """Return the limits that a gate did not keep, else the one it kept most narrowly; none if it only gave words."""
    beyond = [limit for limit in gate.limits if not limit.holds]
    if beyond or (gate.state in ("refused", "failed") and gate.reasons):
        return beyond
    return sorted((limit for limit in gate.limits if limit.margin is not None), key=_tightness)[:1]


def _tightness(limit: Limit) -> float:
    ends = [abs(end) for end in (limit.at_least, limit.at_most) if end]
    return (limit.margin or 0.0) / min(ends, default=1.0)


def absent(facts: RunFacts) -> str:
    """Say why a part of the page is empty."""
    stopper = next((node.name for node in facts.nodes if node.message), None)
    if stopper:
        return f"Nothing to show: {stopper} ended the run before."
    if facts.outcome == "stable":
        return "Nothing to show: no new model was trained, since no check called for one."
    return (
        "Nothing to show: the run has none." if facts.outcome != "unfinished" else "Nothing to show: the run was ended before."
    )


def features(facts: RunFacts) -> list[tuple[FeatureFacts, Markup | None, Check | None]]:
    """Return features with their chart and their worst drift check; those that drifted most come first."""
    assert facts.data is not None
    worst = worst_by_feature(facts.drift.checks) if facts.drift else {}
    moved = {name: place for place, name in enumerate(worst)}
    ordered = sorted(facts.data.features, key=lambda feature: moved.get(feature.name, len(moved)))
    return [(feature, _chart(feature), worst.get(feature.name)) for feature in ordered]


def _chart(feature: FeatureFacts) -> Markup | None:
    parts = (feature.train, feature.eval, feature.reference)
    return charts.feature(feature) if any(part and any(part.shares) for part in parts) else None


def pictures(candidate: ModelFacts) -> dict[str, Markup]:
    """Draw the charts of a model, by name, as far as there are figures for them."""
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
