"""Collect what a run says of its model for phones, and of its candidate in a server."""

from collections.abc import Mapping
from pathlib import Path

from tfx.utils import path_utils

from components.run_report.facts import PhoneFacts, ServerFacts, VariantFacts
from components.shared import canary_report, tfma_results
from components.shared.metric_names import AUC, LOG_LOSS, ROWS
from components.shared.nodes import Output
from components.shared.phone import card, parity_report
from components.shared.trace import Trace


def phone(trace: Trace, min_rows: int) -> PhoneFacts | None:
    """Collect the facts of the files for phones; None if they were not evaluated.

    Args:
        trace: the run.
        min_rows: the fewest rows of a slice that is compared.
    """
    exported = trace.output(Output.MOBILE_MODEL)
    evaluation, blessing = trace.output(Output.MOBILE_EVALUATION), trace.output(Output.MOBILE_BLESSING)
    if exported is None or evaluation is None or blessing is None:
        return None
    shipped = ships(Path(path_utils.serving_model_path(exported.uri)))
    found = parity_report.read(evaluation.uri)
    return PhoneFacts(
        variants=[
            VariantFacts(
                name=each.variant, ships=each.variant in shipped, **each.model_dump(include=set(VariantFacts.model_fields))
            )
            for each in found
        ],
        blessed=bool(blessing.properties.get("blessed")),
        reason=str(blessing.properties.get("reason", "")),
        changes=changes(tfma_results.metrics(evaluation.uri), min_rows),
    )


def changes(measured: Mapping[str, tfma_results.Metrics], min_rows: int) -> dict[str, float]:
    """Return the largest difference of AUC and log loss between file and server's model, in slices of at least `min_rows`."""
    mobile, server = measured[tfma_results.CANDIDATE], measured[tfma_results.BASELINE]
    found: dict[str, float] = {}
    for metric, called in ((AUC, "AUC"), (LOG_LOSS, "log loss")):
        pairs = [
            abs(values[metric] - server[name][metric])
            for name, values in mobile.items()
            if values[ROWS] >= min_rows and metric in values and metric in server.get(name, {})
        ]
        found |= {called: max(pairs)} if pairs else {}
    return found


def ships(served: Path) -> set[str]:
    """Name the variants in the folder that is published; the card says which one `model.tflite` is."""
    stated = card.ModelCard.model_validate_json((served / card.FILE).read_text(encoding="utf-8"))
    return {stated.variant, *(path.stem for path in served.glob("*.tflite"))}


def server(trace: Trace) -> ServerFacts | None:
    """Collect the facts of the candidate in a server; None if no Canary tried one, as with TFX's InfraValidator."""
    blessing = trace.output(Output.INFRA_BLESSING)
    if blessing is None:
        return None
    seen = canary_report.read(blessing.uri).model_dump()
    return ServerFacts(**{name: seen[name] for name in ServerFacts.model_fields})
