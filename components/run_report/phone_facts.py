"""Collect what a run says of its model for phones."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.utils import path_utils

from components.run_report.facts import PhoneFacts, VariantFacts
from components.shared import tfma_results
from components.shared.metric_names import ROWS
from components.shared.nodes import Output
from components.shared.phone import card, parity_report
from components.shared.tasks import Task
from components.shared.trace import Trace


def phone(trace: Trace, task: Task, min_rows: int) -> PhoneFacts | None:
    """Collect the facts of the files for phones, and of slices of at least `min_rows`; None if they were not evaluated."""
    found = trace.outputs(Output.MOBILE_MODEL, Output.MOBILE_EVALUATION, Output.MOBILE_BLESSING)
    if not found:
        return None
    exported, evaluation, blessing = found
    shipped = ships(Path(path_utils.serving_model_path(exported.uri)))
    kept = set(VariantFacts.model_fields)
    return PhoneFacts(
        variants=[
            VariantFacts(name=each.variant, ships=each.variant in shipped, **_known(each.model_dump(include=kept)))
            for each in parity_report.read(evaluation.uri)
        ],
        blessed=bool(blessing.properties.get("blessed")),
        reason=str(blessing.properties.get("reason", "")),
        changes=changes(tfma_results.metrics(evaluation.uri), task, min_rows),
    )


def _known(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Replace what is no number, as the difference of an answer that is NaN, by None: JSON has none."""
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in figures.items()}


def changes(measured: Mapping[str, tfma_results.Metrics], task: Task, min_rows: int) -> dict[str, float]:
    """Return the largest difference of each metric between file and server's model, in slices of at least `min_rows`."""
    mobile, server = measured[tfma_results.CANDIDATE], measured[tfma_results.BASELINE]
    found: dict[str, float] = {}
    for metric in task.mobile:
        called, in_unit = task.metric(metric).name, task.metric(metric).in_unit
        pairs = [
            abs(values[metric] - server[name][metric]) / (server[name][metric] if in_unit else 1)
            for name, values in mobile.items()
            if values[ROWS] >= min_rows and metric in values and metric in server.get(name, {})
        ]
        found |= {called: max(pairs)} if pairs else {}
    return found


def ships(served: Path) -> set[str]:
    """Name the variants in the folder that is published; the card says which one `model.tflite` is."""
    stated = card.ModelCard.model_validate_json((served / card.FILE).read_text(encoding="utf-8"))
    return {stated.variant, *(path.stem for path in served.glob("*.tflite"))}
