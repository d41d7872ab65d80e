"""What came of a run, in one sentence."""

from dataclasses import dataclass

from components.drift_monitor import report
from components.run_report.facts import ModelFacts, Outcome
from components.run_report.trace import THIS_NODE, Execution, Trace

FIGURES = ". Found: "  # what it begins with behind a finding of the DataGate
REFUSALS = ("DataRejected", "BadData")  # errors by which the data are refused


@dataclass(frozen=True)
class Verdict:
    """The outcome, the sentence, the version that is in production behind it, and the one that waits for a promotion."""

    outcome: Outcome
    headline: str
    version: int | None
    waiting: int | None = None


def verdict(trace: Trace, span: str, candidate: ModelFacts | None) -> Verdict:
    """Reads how a run ended from the artifacts that it left."""
    production = trace.output("ProductionModel", "model")
    before = int(production.properties.get("version", 0)) if production else 0
    failed = [each for each in trace.executions.values() if each.state == "failed" and each.node != THIS_NODE]
    if failed:
        return Verdict(*_failure(failed[-1], span), before or None)
    if pushed := trace.output("Publisher", "pushed_model"):
        version = int(pushed.properties.get("version", 0)) or before or None
        current = int(pushed.properties.get("in_production", 0)) or version  # a run of older code did not record it
        if pushed.properties["pushed"]:
            phone = trace.output("MobilePublisher", "pushed_model")
            reason = str(phone.properties["reason"]) if phone else ""
            waiting = version if version != current else None
            place = f", which waits for a promotion (models.config has version {current} in production)" if waiting else ""
            words = f"Published version {version}{place}, trained up to {span}{_auc(candidate)}."
            words += f" The model for phones was not: {reason}." if reason else ""
            return Verdict("published", words, current, waiting)
        reason = str(pushed.properties["reason"])
        return Verdict("not_blessed", f"Nothing new was published for {span}: {reason}{_auc(candidate)}.", current)
    drift = trace.output("DriftMonitor", "report")
    if drift and not drift.properties["retrain"]:
        reference = report.read(drift.uri).reference
        version = reference.version if reference else None
        words = f"No new model for {span}: version {version} stays, since no check fired that calls for another."
        return Verdict("stable", words, version)
    last = list(trace.executions)[-1]
    return Verdict("unfinished", f"The run of {span} came to no decision: it was ended behind {last}.", before or None)


def _failure(execution: Execution, span: str) -> tuple[Outcome, str]:
    """The first finding in the node's message, without its figures, else its first line; the page has the rest."""
    kind, _, text = execution.message.partition(": ")
    first, *findings = [part.partition("\n")[0].rstrip(".") for part in text.split("\n- ")]
    if findings:
        first = findings[0].partition(FIGURES)[0] + (f" (and {len(findings) - 1} more)" if findings[1:] else "")
    if kind in REFUSALS:
        return "stopped", f"{execution.node} stopped the run of {span}: {first}."
    if not execution.message:
        return "unfinished", f"The run of {span} came to no decision: it was ended in {execution.node}, or is still there."
    return "failed", f"{execution.node} failed in the run of {span}: {kind}: {first}."


def _auc(candidate: ModelFacts | None) -> str:
    """ ", AUC 0.719 against 0.709 of version 1 on the same 9,242 rows"."""
    if candidate is None or not (found := [metric for metric in candidate.metrics if metric.name == "AUC"]):
        return ""
    value, other = found[0].candidate, found[0].production
    if other is None:
        return f", AUC {value.value:.3f} on {candidate.rows:,} rows"
    against = f"against {other.value:.3f} of version {candidate.production_version} on the same {candidate.rows:,} rows"
    return f", AUC {value.value:.3f} {against}"
