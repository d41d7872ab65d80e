"""What each check of a run said, in a word and a sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.run_report.drift_rank import worst_first
from components.run_report.facts import DataFacts, ModelFacts, Node, PhoneFacts, RunFacts, ServerFacts
from components.run_report.templating import count, figure

VERDICTS = {
    "no_reference": ("quiet", "nothing to compare with"),
    "stable": ("good", "stable"),
    "drifted": ("warn", "drifted"),
    "decayed": ("bad", "decayed"),
}


@dataclass(frozen=True)
class Gate:
    """What one of the checks said: the section that tells more, its name, kind of badge, a word and a sentence."""

    id: str
    name: str
    kind: str
    word: str
    text: str


def gates(facts: RunFacts) -> Iterator[Gate]:
    """The checks of a run in their order, each in a sentence."""
    found = {node.name: node for node in facts.nodes}
    yield _data_gate(facts.data, found.get("DataGate"))
    if facts.drift is None:
        yield _gate("drift", "Drift")
    else:
        kind, word = VERDICTS[facts.drift.verdict]
        fired = worst_first(check for check in facts.drift.checks if check.verdict != "stable")
        text = f"{len(fired)} of {len(facts.drift.checks)} checks beyond their limits." if facts.drift.reference else ""
        yield Gate("drift", "Drift", kind, word, f"{text} The worst: {fired[0].reason}." if fired else text)
    yield from (_model_gate(facts.candidate), _server_gate(facts.server), _phone_gate(facts.phone))


def _data_gate(data: DataFacts | None, node: Node | None) -> Gate:
    if data is None or node is None or node.state in ("not_run", "skipped"):
        return _gate("data", "Data")
    found = (
        f"{len(data.findings)} anomal{'y' if len(data.findings) == 1 else 'ies'} found." if data.findings else "No anomalies."
    )
    return _gate("data", "Data", node.state != "failed", otherwise=found)


def _model_gate(model: ModelFacts | None) -> Gate:
    if model is None:
        return _gate("model", "Evaluation")
    return _gate("model", "Evaluation", model.blessed, model.refusals, f"Measured on {count(model.rows)} rows.")


def _server_gate(server: ServerFacts | None) -> Gate:
    if server is None:
        return _gate("server", "Server")
    slowest = f", 99th percentile {figure(server.p99_ms)} ms" if server.p99_ms is not None else ""
    if server.reference_p99_ms is not None:
        slowest += f" ({server.reference}: {figure(server.reference_p99_ms)} ms)"
    return _gate("server", "Server", not server.reasons, server.reasons, f"{count(server.requests)} requests{slowest}.")


def _phone_gate(phone: PhoneFacts | None) -> Gate:
    if phone is None:
        return _gate("phone", "Phone")
    ships = [
        f"{each.name}: {figure(each.kilobytes)} KB, probabilities within {figure(each.largest)} of the server's."
        for each in phone.variants
        if each.ships
    ]
    return _gate("phone", "Phone", phone.blessed, [phone.reason], " ".join(ships))


def _gate(id_: str, name: str, passed: bool | None = None, reasons: Sequence[str] = (), otherwise: str = "") -> Gate:
    kind, word = {None: ("quiet", "not reached"), True: ("good", "passed"), False: ("bad", "refused")}[passed]
    return Gate(id_, name, kind, word, "; ".join(reason for reason in reasons if reason) or otherwise)
