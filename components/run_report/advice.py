"""Advise what to do after a run: steps for a person who reads the page, from its facts alone."""

import re
import shlex
from collections.abc import Collection, Iterator

from components.run_report.facts import GateFacts, RunFacts
from components.run_report.gates import kind, refusing
from components.run_report.templating import limit_words
from components.shared.advice import Advice, promotion
from components.shared.nodes import NodeId
from components.shared.tasks import TASKS
from components.shared.units import called

CHANGES = {  # for each gate: where to look before changing a limit
    "model": "Look at the slices, the calibration and the drift in the report: has the world changed, or the code?",
    "server": "Look at the request that the reason names, and at the run's log: canary.json among the artifacts has it whole.",
    "phone": "Look at the table of files in the report: mobile.ship names the variants that ship.",
}
LIMITS = ("run.max_seconds", "run.max_memory_gb")


def steps(facts: RunFacts, again: str, back: str = "") -> list[Advice]:
    """List the steps in the order in which to do them, also where nothing is to be done.

    Args:
        facts: of the run, with its gates.
        again: the command that runs the same span in the same root; empty: the run was not on one machine.
        back: the command that takes a publication back; empty (default): as for `again`.
    """
    if facts.outcome == "stable":
        words = "is looked at when it arrives. drift.retrain_on names the checks that call for a model."
        return [Advice(text=f"Nothing: the next {called(facts.span)} {words}")]
    ways = {"published": _published, "not_blessed": _refused, "stopped": _stopped}
    return list(ways.get(facts.outcome, _failed)(facts, back if facts.outcome == "published" else again))


def _published(facts: RunFacts, back: str) -> Iterator[Advice]:
    if facts.waiting:
        yield promotion(facts.version or 0, facts.waiting, phones=False, problem=facts.problem)
        return
    loaded = f"servers that poll the folder load version {facts.version} by themselves."
    if learned := _learned_too_little(facts):
        yield Advice(text=f"{learned} Meanwhile {loaded}")
    else:
        yield Advice(text=f"Nothing: {loaded}")
    if back and facts.candidate and facts.candidate.production_version:
        yield Advice(text="If it does harm, this takes the version before back into production:", command=back)


def _learned_too_little(facts: RunFacts) -> str:
    """Say that a candidate is no better than the naive answer, where that is so by any metric, and what to look at."""
    if facts.candidate is None or (metric := facts.candidate.naive_is_as_good) is None or metric.naive is None:
        return ""
    task = TASKS[facts.candidate.task]
    figure = next(each.figure for each in (*task.metrics, *task.beside) if each.name == metric.name)
    return (
        f"Look at the model: its {metric.name} is {figure(metric.candidate.value)}, and always answering with {task.naive} has "
        f"{figure(metric.naive)} on the same rows. Do the rows to train have the labels of those to evaluate? Does the loss of "
        "the evaluation rise with the epochs? Fewer epochs, more features or newer rows may help."
    )


def _refused(facts: RunFacts, again: str) -> Iterator[Advice]:
    gate = refusing(facts.gates)
    if gate is None:
        yield Advice(text="Nothing: there was nothing new to publish.")
        return
    yield Advice(text=f"Users get what they got before. The {called(facts.span)} is decided: the next run takes the next one.")
    yield Advice(text=CHANGES.get(gate.id, "Look at the checks in the report that stop a push: drift.block_push names them."))
    yield from _limits(gate)
    command, dropped = _without(_decided(gate), again)
    other = f"without {dropped}, or with another value of it" if dropped else "with other settings as --set section.key=value"
    yield from _repeat(f"To run this {called(facts.span)} again, {other}:", command)


def _stopped(facts: RunFacts, again: str) -> Iterator[Advice]:
    gate = refusing(facts.gates)
    if gate and gate.id == "phone":
        yield from _limits(gate)
        words = "Neither was the server's model published. Make the network smaller, or change what the message names."
        yield Advice(text=words)
    else:
        yield from _of_data(facts, gate)
    command, dropped = _without(_decided(gate) if gate else [], again)
    other = f", without {dropped}" if dropped else ""
    yield from _repeat(f"Then run the {called(facts.span)} again{other}; production is as it was:", command)


def _of_data(facts: RunFacts, gate: GateFacts | None) -> Iterator[Advice]:
    """Yield what to do about data that were refused."""
    settings, findings = facts.configuration.get("data", {}), facts.data.findings if facts.data else []
    window = ", ".join(facts.data.window) if facts.data else facts.span
    where = f" in {settings['spans']}" if "spans" in settings else ""
    yield Advice(text=f"If the data are wrong: fix the files of {window}{where}.")
    if gate and gate.node == NodeId.DATA_GATE:
        names = ", ".join(sorted({each.feature for each in findings if each.feature}))
        stop_on = facts.configuration.get("gate", {}).get("stop_on", ["error"])
        texts = " ".join(each.text for each in findings if each.severity in stop_on)
        # Findings that come from the schema name no setting.
        limits = " or ".join(dict.fromkeys(re.findall(r"\bgate\.\w+", texts)))
        schema, of, either = (
            settings.get("schema", "the schema"),
            f" of {names}" if names else "",
            f", or {limits}" if limits else "",
        )
        yield Advice(text=f"If they are right: change what {schema} says{of}{either}.")


def _failed(facts: RunFacts, again: str) -> Iterator[Advice]:
    failed = next((node for node in facts.nodes if node.state == "failed"), None)
    message = failed.message if failed else ""
    if kind(message) == "LimitExceeded":
        yield Advice(text=f"Look at what took the time or the memory, or give it more: {', '.join(LIMITS)}.")
    elif failed and message:
        yield Advice(text=f"Read the message with which {failed.name} ended the run, and the end of the run's log.")
    command, dropped = _without([name for name in LIMITS if f"({name})" in message], again)
    same = f"Without {dropped}, the" if dropped else "The"
    yield from _repeat(f"{same} same command resumes after the last node that was finished:", command)


def _repeat(text: str, command: str) -> Iterator[Advice]:
    """Yield the step that runs the span again, if there is a command to do so."""
    if command:
        yield Advice(text=text, command=command)


def _decided(gate: GateFacts) -> list[str]:
    """List the settings by which a gate refused."""
    return ["drift.block_push"] if gate.id == "drift" else [name for limit in gate.beyond for name in limit.settings]


def _without(settings: Collection[str], again: str) -> tuple[str, str]:
    """Return the command without what sets these, which would fail again, and what was removed; empty if nothing was."""
    before, *overrides = again.split(" --set ")  # the overrides end the command, as `collect.commands` writes it
    dropped = [each for each in overrides if shlex.split(each)[0].partition("=")[0].strip() in settings]
    kept = [each for each in overrides if each not in dropped]
    return " --set ".join([before, *kept]), " and ".join(f"--set {each}" for each in dropped)


def _limits(gate: GateFacts) -> Iterator[Advice]:
    """Yield a step for each limit that was not kept."""
    for limit in gate.beyond:
        value, ends = limit_words(limit)
        decided = f"{' and '.join(limit.settings)} decided: {limit.name} is {value}, and must be {ends}."
        yield Advice(text=f"{decided} If that is not what you want, change it.")
