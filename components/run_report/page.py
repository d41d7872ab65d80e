"""Render the page of a run: one HTML file, a pure function of its facts."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from components.model_store import contents
from components.run_report import answer_charts, charts, dag_picture
from components.run_report.drift_rank import ratio, worst_by_feature, worst_first
from components.run_report.facts import FeatureFacts, GateFacts, Limit, ModelFacts, RunFacts
from components.run_report.templating import MISSING, count, figure, limit_words, render_page
from components.shared.drift_report import Check, Report
from components.shared.tasks import COVERED, TASKS

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
VERDICTS = {
    "no_reference": ("quiet", "nothing to compare with"),
    "stable": ("good", "stable"),
    "drifted": ("warn", "drifted"),
    "decayed": ("warn", "decayed"),
}
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
    stopper = next((node for node in facts.nodes if node.message), None)
    return render_page(
        "page.html.j2",
        facts=facts,
        before=before,
        after=after,
        changes=list(changes(before, facts)) if before else [],
        neighbour=lambda run: f"../{quote(run.run)}/index.html",
        addresses=addresses(facts, folder),
        outcome=OUTCOMES[facts.outcome],
        verdicts=VERDICTS,
        states=dag_picture.STATES,
        stopper=stopper,
        absent=absent(facts, stopper.name if stopper else ""),
        decisive=[(gate, decisive(gate)) for gate in facts.gates],
        gate_states=GATE_STATES,
        refused_data=any(gate.state == "refused" for gate in facts.gates[:1]),
        stop_on=facts.configuration.get("gate", {}).get("stop_on", ["error"]),
        in_words=limit_words,
        dag=dag_picture.svg(facts.nodes),
        decides=facts.candidate.decides if facts.candidate else None,
        task=(task := TASKS[facts.candidate.task] if facts.candidate else None),
        meanings={each.name: each.meaning for each in (*task.metrics, *task.beside)} if task else {},
        covered=COVERED,
        features=features(facts),
        label=label(facts),
        columns=columns,
        asks=asks,
        features_shown=FEATURES_SHOWN,
        slice_rows=SLICE_ROWS,
        sliced=sliced,
        checks=[(check, ratio(check)) for check in worst_first(facts.drift.checks)] if facts.drift else [],
        pictures=pictures(facts.candidate) if facts.candidate else {},
        settings=flat(facts.configuration),
    )


def addresses(facts: RunFacts, folder: Path | None) -> dict[str, str]:
    """Return the relative addresses to read more at, by what a person calls them, as far as they are on this machine."""
    current = "" if facts.published else facts.in_production
    places = {
        "Log": facts.log,
        "Model card": facts.published and f"{facts.published}/{contents.CARD}",
        "Published folder": facts.published,
        "Card of the model in production": current and f"{current}/{contents.CARD}",
    }
    here = folder.absolute() if folder else None
    return {name: quote(os.path.relpath(place, here)) for name, place in places.items() if here and place.startswith("/")}


def decisive(gate: GateFacts) -> list[Limit]:
    """Return the limits that a gate did not keep, else the one it kept most narrowly; none if it only gave words."""
    if gate.beyond or (gate.state in ("refused", "failed") and gate.reasons):
        return gate.beyond
    return sorted((limit for limit in gate.limits if limit.margin is not None), key=_tightness)[:1]


def _tightness(limit: Limit) -> float:
    ends = [abs(end) for end in (limit.at_least, limit.at_most) if end]
    return (limit.margin or 0.0) / min(ends, default=1.0)


def absent(facts: RunFacts, stopper: str) -> str:
    """Say why a part of the page is empty."""
    if stopper:
        return f"Nothing to show: {stopper} ended the run before."
    if facts.outcome == "stable":
        return "Nothing to show: no new model was trained, since no check called for one."
    return "Nothing to show: " + ("the run was ended before." if facts.outcome == "unfinished" else "the run has none.")


def features(facts: RunFacts) -> list[tuple[FeatureFacts, Markup | None, Check | None]]:
    """Return features with their chart and their worst drift check; those that drifted most come first."""
    worst = worst_by_feature(facts.drift.checks) if facts.drift else {}
    moved = {name: place for place, name in enumerate(worst)}
    found = facts.data.features if facts.data else []
    ordered = sorted(found, key=lambda feature: moved.get(feature.name, len(moved)))
    return [(feature, charts.feature(feature), worst.get(feature.name)) for feature in ordered]


def label(facts: RunFacts) -> str:
    """Return the label's name, which stands among the features of the data; empty if the run did not record it."""
    return facts.configuration.get("problem", {}).get("label", "")


def columns(found: Iterable[FeatureFacts], label: str) -> str:
    """Count features in words, and name the label if it is among them: "1 feature and the label"."""
    names = [feature.name for feature in found]
    number = len(names) - (label in names)
    counted = [f"{number} feature{'s' if number != 1 else ''}"] if number else []
    return " and ".join([*counted, *(["the label"] if label in names else [])])


def asks(report: Report, configuration: Mapping[str, Any]) -> str:
    """Say whether a new model is wanted: because checks ask for one, or because the policy takes one in any case."""
    if not report.retrain:
        return "The checks ask for no new model."
    fired = any(check.verdict != "stable" for check in report.checks)
    if configuration.get("drift", {}).get("policy") == "retrain_always" or not fired:
        return "A new model is trained whatever the checks say: so drift.policy has it."
    return "The checks ask for a new model."


def sliced(model: ModelFacts) -> list[str]:
    """Name the metrics that slices have: not those that are measured over all rows only."""
    known = {name for found in model.slices for name in (*found.candidate, *found.production)}
    return [metric.name for metric in model.metrics if metric.name in known]


def pictures(model: ModelFacts) -> dict[str, Markup]:
    """Draw the charts of a model, by name, as far as there are figures for them."""
    both = {"candidate": model.candidate, "production": model.production}
    made = answer_charts.curves({role: found for role, found in both.items() if found})
    large = [found for found in model.slices if found.rows >= SLICE_ROWS]
    if large and model.metrics:
        made["slices"] = charts.slices(large, model.metrics[0].name, model.metrics[0].candidate.value)
    if model.loss:
        made["loss"] = charts.loss(model.loss)
    if model.importance:
        made["importance"] = charts.importance(model.importance, TASKS[model.task].decides.name)
    return made


def changes(before: RunFacts, now: RunFacts) -> Iterator[tuple[str, str, str, str]]:
    """Yield kind, name, value before and value now of all that differs. Metrics are each run's own, on its evaluation rows."""
    for (kind, old), new in zip(_told(before).items(), _told(now).values(), strict=True):
        for name in dict.fromkeys([*old, *new]):
            was, is_now = old.get(name, ""), new.get(name, "")
            # Rows of a span that only one window holds add nothing to the list of spans.
            if was != is_now and not (name.startswith("rows of ") and not (was and is_now)):
                yield kind, name, was or MISSING, is_now or MISSING


def _told(run: RunFacts) -> dict[str, dict[str, str]]:
    """What is compared between runs: name to value by kind."""
    data = {"window": run.span}
    if run.data:
        data = {"window": f"{run.data.window[0]} to {run.data.window[-1]}"}
        data |= {f"rows to {split}": count(number) for split, number in run.data.rows.items()}
        data["features"] = ", ".join(sorted({feature.name for feature in run.data.features} - {label(run)}))
        data |= {f"rows of {span}": count(number) for span, number in run.data.rows_by_span.items()}
    metrics = run.candidate.metrics if run.candidate else []
    of_candidate = {metric.name: figure(metric.candidate.value) for metric in metrics}
    return {"setting": flat(run.configuration), "data": data, "code": run.environment, "metric": of_candidate}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested settings to values by `section.key`."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
