"""Say how a run ended: published or not, and why, in one sentence."""

from collections.abc import Iterable
from dataclasses import dataclass

from components.run_report.facts import Ending, GateFacts, ModelFacts
from components.run_report.gates import REFUSALS, refusing
from components.run_report.templating import limit_words
from components.shared import drift_report
from components.shared.nodes import Output
from components.shared.tasks import TASKS
from components.shared.trace import Execution, Trace

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


def verdict(trace: Trace, span: str, candidate: ModelFacts | None, gates: Iterable[GateFacts]) -> Verdict:
    """Read how a run ended from the artifacts that it left."""
    production, nothing = trace.output(Output.PRODUCTION), f"Nothing was published for {span}"
    before = int(production.properties.get("version", 0)) or None if production else None
    if trace.failures:
        outcome, words = _failure(trace.failures[-1], _stays(before))
        return Verdict(outcome, f"{nothing}: {words}.", before)
    if pushed := trace.output(Output.PUSHED_MODEL):
        version = int(pushed.properties.get("version", 0)) or before
        current = int(pushed.properties.get("in_production", 0)) or version  # a run of older code did not record it
        if not pushed.properties["pushed"]:
            reason = _refusal(gates, span) or pushed.properties["reason"]
            return Verdict("not_blessed", f"{nothing}: {reason}{_stays(current)}.", current)
        waiting = version if version != current else None
        place = f", which waits for a promotion (models.config has version {current} in production)" if waiting else ""
        words = f"Published version {version}{place}, trained up to {span}: {_quality(candidate)}it passed every gate"
        published = str(pushed.properties.get("destination", ""))
        return Verdict("published", f"{words}{_without_phones(trace)}.", current, waiting, published)
    drift = trace.output(Output.DRIFT)
    if drift and not drift.properties["retrain"]:
        reference = drift_report.read(drift.uri).reference
        version = reference.version if reference else None
        words = f"{nothing}, and nothing was trained: version {version} stays, since no check calls for a new one."
        return Verdict("stable", words, version)
    words = f"{nothing}: the run came to no decision, since it was ended after {list(trace.executions)[-1]}."
    return Verdict("unfinished", words, before)


def _stays(version: int | None) -> str:
    return f", and version {version} stays in production" if version else ""


def _without_phones(trace: Trace) -> str:
    phone = trace.output(Output.MOBILE_PUSHED_MODEL)
    reason = phone.properties["reason"] if phone else ""
    return f" of the server, and its model for phones was not published, since {reason}" if reason else ""


def _refusal(gates: Iterable[GateFacts], span: str) -> str:
    """Say which gate refused, with the first limit that decided: "AUC 0.695, limit at least 0.900"; empty if none did."""
    gate = refusing(gates)
    if gate is None:
        return ""
    why = gate.reasons[0] if gate.reasons else ""
    if gate.beyond:
        value, ends = limit_words(gate.beyond[0])
        why = f"{gate.beyond[0].name} {value}, limit {ends}"
    who = SUBJECTS.get(gate.id, f"the {gate.node} refused it")
    return f"{who} of {span}" + (f" ({why})" if why else "")


def _failure(execution: Execution, stays: str) -> tuple[Ending, str]:
    """Return the first finding of a DataGate's message, without its figures, else its first line; the page has the rest."""
    name, _, text = execution.message.partition(": ")
    first, *findings = [part.partition("\n")[0].rstrip(".") for part in text.split("\n- ")]
    if findings and name == "DataRejected":  # other messages may list something else
        first = findings[0].partition(FIGURES)[0] + (f" and {len(findings) - 1} more" if findings[1:] else "")
    if name in REFUSALS:
        what = "model" if name == "NotConvertible" else "data"
        return "stopped", f"{execution.node} refused the {what} ({first}){stays}"
    if not execution.message:
        return "unfinished", f"the run was ended in {execution.node}, or is still there{stays}"
    if ". " in first:  # sentences of its own
        stays = stays.replace(", and version", ". Version")
    return "failed", f"{execution.node} failed with {name}: {first}{stays}"


def _quality(candidate: ModelFacts | None) -> str:
    """Word both figures: "AUC 0.719, and 0.709 of version 1 on the same 9,242 rows; "."""
    if candidate is None or candidate.decides is None:
        return ""
    written = TASKS[candidate.task].decides.figure
    value, other = candidate.decides.candidate.value, candidate.decides.production
    beside = f", and {written(other.value)} of version {candidate.production_version} on the same" if other else " on"
    return f"{candidate.decides.name} {written(value)}{beside} {candidate.rows:,} rows; "
