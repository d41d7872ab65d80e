"""Find what changed from one run to the next: settings, data, code, metrics."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.run_report.facts import RunFacts
from components.run_report.templating import count, figure


@dataclass(frozen=True)
class Change:
    """A difference: its kind, its name, and its value before and now."""

    kind: str
    name: str
    before: str
    now: str


def changes(before: RunFacts, now: RunFacts) -> list[Change]:
    """List everything that differs, the settings first. Metrics are each run's own, on its own evaluation rows."""
    return [*_settings(before, now), *_data(before, now), *_code(before, now), *_metrics(before, now)]


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested settings to pairs of `section.key` and value."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _settings(before: RunFacts, now: RunFacts) -> Iterator[Change]:
    yield from _differing("setting", dict(flat(before.configuration)), dict(flat(now.configuration)))


def _data(before: RunFacts, now: RunFacts) -> Iterator[Change]:
    yield from _differing("data", *(_of_data(run) for run in (before, now)))


def _of_data(run: RunFacts) -> dict[str, str]:
    if run.data is None:
        return {"months": run.span}
    rows = {f"rows to {split}": count(number) for split, number in run.data.rows.items()}
    features = ", ".join(sorted(feature.name for feature in run.data.features))
    of_months = {f"rows of {month}": count(number) for month, number in run.data.rows_by_span.items()}
    return {"months": f"{run.data.window[0]} to {run.data.window[-1]}", **rows, "features": features, **of_months}


def _code(before: RunFacts, now: RunFacts) -> Iterator[Change]:
    yield from _differing("code", before.environment, now.environment)


def _metrics(before: RunFacts, now: RunFacts) -> Iterator[Change]:
    yield from _differing("metric", *(_of_candidate(run) for run in (before, now)))


def _of_candidate(run: RunFacts) -> dict[str, str]:
    return {metric.name: figure(metric.candidate.value) for metric in run.candidate.metrics} if run.candidate else {}


def _differing(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name, ""), now.get(name, "")
        # Rows of a month that only one window holds add nothing to the list of months.
        if old != new and not (name.startswith("rows of ") and not (old and new)):
            yield Change(kind, name, old or "\N{EN DASH}", new or "\N{EN DASH}")
