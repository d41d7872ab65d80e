"""What to do after a run: steps for a person who reads the page, from its facts alone."""

from collections.abc import Iterator

from components.run_report.facts import Gate, Limit, RunFacts, Step
from components.run_report.gates import kind, refusing
from components.run_report.limit_words import words

CHANGES = {  # of each gate: where to look before a limit is changed
    "model": "Look at the slices, the calibration and the drift below: has the world changed, or the code?",
    "server": "Look at the request that the reason names, and at the run's log: canary.json among the artifacts has it whole.",
    "phone": "Look at the table of files below: mobile.ship names the variants that ship.",
}


def steps(facts: RunFacts, again: str, back: str = "") -> list[Step]:
    """In the order in which to do them; what needs no doing is said, too.

    Args:
        facts: of the run, its gates among them.
        again: the command that runs the same span in the same root; empty: it did not run on one machine.
        back: the command that takes a publication back; empty as `again`.
    """
    ways = {"published": _published, "not_blessed": _refused, "stable": _stable, "stopped": _stopped}
    return list(ways.get(facts.outcome, _failed)(facts, back if facts.outcome == "published" else again))


def _published(facts: RunFacts, back: str) -> Iterator[Step]:
    if facts.waiting:
        yield Step(
            text=f"models.config keeps version {facts.version} in production. To put version {facts.waiting} there:",
            command=f"python -m serving.promote --stable {facts.waiting}",
        )
        return
    yield Step(text=f"Nothing: servers that poll the folder load version {facts.version} by themselves.")
    if back and facts.candidate and facts.candidate.production_version:
        yield Step(text="If it does harm, this takes the version before back into production:", command=back)


def _stable(facts: RunFacts, again: str) -> Iterator[Step]:
    yield Step(
        text="Nothing: the next month is looked at when it arrives. drift.retrain_on names the checks that call for a model."
    )


def _refused(facts: RunFacts, again: str) -> Iterator[Step]:
    gate = refusing(facts.gates)
    if gate is None:
        yield Step(text="Nothing: there was nothing new to publish.")
        return
    yield Step(text="Users get what they got before. The month is decided: the next run takes the next one.")
    yield Step(text=CHANGES.get(gate.id, "Look at the checks below that stop a push: drift.block_push names them."))
    yield from _limits(gate)
    if again:
        yield Step(text="To run this month again, with other settings as --set section.key=value:", command=again)


def _stopped(facts: RunFacts, again: str) -> Iterator[Step]:
    data = facts.configuration.get("data", {})
    gate = refusing(facts.gates)
    if gate and gate.id == "phone":
        yield from _limits(gate)
        yield Step(text="Neither was the server's model published. Make the network smaller, or change what the message names.")
    else:
        months = ", ".join(facts.data.window) if facts.data else facts.span
        where = f" in {data['spans']}" if "spans" in data else ""
        yield Step(text=f"If the data are wrong: fix the files of {months}{where}.")
        names = sorted({each.feature for each in facts.data.findings if each.feature}) if facts.data else []
        if gate and gate.node == "DataGate":
            of = f" of {', '.join(names)}" if names else ""
            schema = data.get("schema", "the schema")
            yield Step(
                text=f"If they are right: change what {schema} says{of}, or the limit under [gate] that the finding names."
            )
    if again:
        yield Step(text="Then run the month again; production is as it was:", command=again)


def _failed(facts: RunFacts, again: str) -> Iterator[Step]:
    failed = next((node for node in facts.nodes if node.state == "failed"), None)
    if failed and kind(failed.message) == "LimitExceeded":
        yield Step(text="Look at what took the time or the memory, or give it more: run.max_seconds, run.max_memory_gb.")
    elif failed and failed.message:
        yield Step(text="Read the message above, and the run's log, which has the whole traceback.")
    if again:
        yield Step(text="The same command resumes after the last node that was finished:", command=again)


def _limits(gate: Gate) -> Iterator[Step]:
    """A step for each limit that was not kept."""
    for limit in gate.limits:
        if not limit.holds:
            yield Step(
                text=f"{' and '.join(limit.settings)} decided: {_words(limit)}. If that is not what you want, change it."
            )


def _words(limit: Limit) -> str:
    told = words(limit)
    return f"{limit.name} is {told.value}, and must be {told.ends}"
