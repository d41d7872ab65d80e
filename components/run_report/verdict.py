"""Say how a run ended: published or not, and why, in one sentence."""

from dataclasses import dataclass

from components.run_report.facts import Ending, Gate, Limit, ModelFacts
from components.run_report.gates import REFUSALS, refusing
from components.run_report.limit_words import words
from components.shared import drift_report
from components.shared.nodes import NodeId, Output
from components.shared.trace import Execution, Trace

NOTHING = "Nothing was published"
FIGURES = ". Found: "  # what precedes the figures in a finding of DataChecks
SUBJECTS = {"model": "the Evaluator refused the candidate", "server": "the Canary refused the candidate"}


@dataclass(frozen=True)
class Verdict:
    """The outcome, the sentence, the version in production after the run, the one that waits for a promotion, their folders."""

    outcome: Ending
    headline: str
    version: int | None
    waiting: int | None = None
    published: str = ""


def verdict(trace: Trace, span: str, candidate: ModelFacts | None, gates: list[Gate]) -> Verdict:
    """Read how a run ended from the artifacts that it left."""
    production = trace.output(Output.PRODUCTION)
    before = int(production.properties.get("version", 0)) if production else 0
    failed = [each for each in trace.executions.values() if each.state == "failed" and each.node != NodeId.RUN_REPORT]
    if failed:
        return Verdict(*_failure(failed[-1], span, _stays(before)), before or None)
    if pushed := trace.output(Output.PUSHED_MODEL):
        version = int(pushed.properties.get("version", 0)) or before or None
        current = int(pushed.properties.get("in_production", 0)) or version  # a run of older code did not record it
        if pushed.properties["pushed"]:
            phone = trace.output(Output.MOBILE_PUSHED_MODEL)
            reason = str(phone.properties["reason"]) if phone else ""
            waiting = version if version != current else None
            place = f", which waits for a promotion (models.config has version {current} in production)" if waiting else ""
            words = f"Published version {version}{place}, trained up to {span}: {_auc(candidate)}it passed every gate"
            words += f" of the server, and its model for phones was not published, since {reason}." if reason else "."
            return Verdict("published", words, current, waiting, str(pushed.properties.get("destination", "")))
        reason = _refusal(gates, span) or str(pushed.properties["reason"])
        return Verdict("not_blessed", f"{NOTHING} for {span}: {reason}{_stays(current or 0)}.", current)
    drift = trace.output(Output.DRIFT)
    if drift and not drift.properties["retrain"]:
        reference = drift_report.read(drift.uri).reference
        version = reference.version if reference else None
        words = f"{NOTHING} for {span}, and nothing was trained: version {version} stays, since no check calls for a new one."
        return Verdict("stable", words, version)
    last = list(trace.executions)[-1]
    words = f"{NOTHING} for {span}: the run came to no decision, since it was ended after {last}."
    return Verdict("unfinished", words, before or None)


def _stays(version: int) -> str:
    return f", and version {version} stays in production" if version else ""


def _refusal(gates: list[Gate], span: str) -> str:
    """Say which gate refused, with the first limit that decided; empty if none did."""
    gate = refusing(gates)
    if gate is None:
        return ""
    who = SUBJECTS.get(gate.id, f"the {gate.node} refused it")
    beyond = next((limit for limit in gate.limits if not limit.holds), None)
    why = _beyond(beyond) if beyond else (gate.reasons[0] if gate.reasons else "")
    return f"{who} of {span}" + (f" ({why})" if why else "")


def _beyond(limit: Limit) -> str:
    """Word a limit that was not kept: "AUC 0.695, limit at least 0.900"."""
    told = words(limit)
    return f"{limit.name} {told.value}, limit {told.ends}"


def _failure(execution: Execution, span: str, stays: str) -> tuple[Ending, str]:
    """Return the first finding of a DataGate's message, without its figures, else its first line; the page has the rest."""
    name, _, text = execution.message.partition(": ")
    first, *findings = [part.partition("\n")[0].rstrip(".") for part in text.split("\n- ")]
    if findings and name == "DataRejected":  # other messages may list something else
        first = findings[0].partition(FIGURES)[0] + (f" and {len(findings) - 1} more" if findings[1:] else "")
    if name in REFUSALS:
        what = "model" if name == "NotConvertible" else "data"
        return "stopped", f"{NOTHING} for {span}: {execution.node} refused the {what} ({first}){stays}."
    if not execution.message:
        return "unfinished", f"{NOTHING} for {span}: the run was ended in {execution.node}, or is still there{stays}."
    if ". " in first:  # sentences of its own
        stays = stays.replace(", and version", ". Version")
    return "failed", f"{NOTHING} for {span}: {execution.node} failed with {name}: {first}{stays}."


def _auc(candidate: ModelFacts | None) -> str:
    """Word both figures: "AUC 0.719, and 0.709 of version 1 on the same 9,242 rows; "."""
    if candidate is None or not (found := [metric for metric in candidate.metrics if metric.name == "AUC"]):
        return ""
    value, other = found[0].candidate, found[0].production
    if other is None:
        return f"AUC {value.value:.3f} on {candidate.rows:,} rows; "
    beside = f"and {other.value:.3f} of version {candidate.production_version} on the same {candidate.rows:,} rows"
    return f"AUC {value.value:.3f}, {beside}; "
