"""Collect the gates of a run, from the data to the publication: what each compared with which limit, and how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.run_report.drift_rank import worst_first
from components.run_report.facts import (
    Ending,
    Gate,
    GateState,
    Limit,
    ModelFacts,
    Node,
    NodeState,
    PhoneFacts,
    RunFacts,
    ServerFacts,
    Unit,
)
from components.shared import drift_report
from components.shared.data_findings import days_needed
from components.shared.nodes import NodeId as N

REFUSALS = ("DataRejected", "BadData", "NotConvertible")  # errors by which a node refuses what it got; any other is a failure
VERDICTS = {
    "no_reference": ("quiet", "nothing to compare with"),
    "stable": ("good", "stable"),
    "drifted": ("warn", "drifted"),
    "decayed": ("warn", "decayed"),
}
PUBLISHERS = (N.PUBLISHER, N.MOBILE_PUBLISHER)
NODES = {  # by gate, in the order in which they run; the last node decides
    "data": (
        N.IMPORT_SCHEMA_GEN,
        N.SPAN_EXAMPLE_GEN,
        N.STATISTICS_GEN,
        N.EXAMPLE_VALIDATOR,
        N.DATA_CHECKS,
        N.DATA_GATE,
    ),
    "drift": (N.PRODUCTION_MODEL, N.DRIFT_MONITOR),
    "model": (N.TRANSFORM, N.TRAINER, N.EVALUATOR),
    "server": (N.INFRA_VALIDATOR, N.CANARY),
    "phone": (N.MOBILE_EXPORTER, N.MOBILE_EVALUATOR),
}


def gates(facts: RunFacts) -> list[Gate]:
    """List all gates in their order.

    Args:
        facts: of the run, without its gates; nodes are in the states that ML Metadata has.
    """
    found = (_data(facts), _drift(facts), _model(facts), _server(facts), _phone(facts))
    return [_failed(gate, facts.nodes) for gate in found]


def refusing(found: list[Gate]) -> Gate | None:
    return next((gate for gate in found if gate.state == "refused"), None)


def kind(message: str) -> str:
    """Return the name of the error that a failed node's message begins with."""
    return message.partition(": ")[0]


def node_state(node: Node, held: list[Gate], outcome: Ending) -> NodeState:
    """Return a node's state for the page: one that succeeded may have refused, or have had nothing to do."""
    gate = next((gate for gate in held if node.name == gate.node), None)
    if gate and gate.state == "refused":
        return "refused"
    if node.state not in ("done", "cached"):
        return node.state
    if gate and gate.state == "not_tried":
        return "not_tried"
    return "not_tried" if node.name in PUBLISHERS and outcome == "not_blessed" else node.state


def _failed(gate: Gate, nodes: list[Node]) -> Gate:
    """Mark the gate as refused or failed if one of its nodes ended the run."""
    for node in nodes:
        if node.name in NODES[gate.id] and node.state == "failed":
            state: GateState = "refused" if kind(node.message) in REFUSALS else "failed"
            # The page lists the findings separately.
            told = [] if kind(node.message) == "DataRejected" else [node.message.partition("\n")[0]]
            return gate.model_copy(update={"node": node.name, "state": state, "reasons": [*filter(None, told), *gate.reasons]})
    return gate


def _gate(
    id_: str, name: str, state: GateState, limits: Iterator[Limit] | None = None, reasons: list[str] | None = None
) -> Gate:
    return Gate(id=id_, name=name, node=NODES[id_][-1], state=state, limits=list(limits or ()), reasons=reasons or [])


def _data(facts: RunFacts) -> Gate:
    done = any(node.name == N.DATA_GATE and node.state in ("done", "cached") for node in facts.nodes)
    findings = facts.data.findings if facts.data else []
    words = [f"{', '.join(filter(None, (each.split, each.feature))) or 'all data'}: {each.text}" for each in findings]
    return _gate("data", "Data", "passed" if done else "not_tried", _of_data(facts), words)


def _of_data(facts: RunFacts) -> Iterator[Limit]:
    if (data := facts.data) is None:
        return
    at = _Settings(facts.configuration)
    names = {"train": "to train", "eval": "to evaluate"}
    for split, rows in data.rows.items():
        yield at.least(f"rows {names.get(split, split)}", rows, "gate.min_rows", "rows")
    setting = "gate.min_eval_days"
    if "eval" in data.days and (lowest := at.get(setting)) is not None:
        held_out = at.get("data.eval_days")
        needed = days_needed(int(lowest), int(held_out)) if held_out is not None else lowest
        yield Limit(name="days to evaluate", value=data.days["eval"], at_least=needed, unit="days", settings=[setting])
    for split, share in data.positives.items():
        low, high = "gate.min_positive_share", "gate.max_positive_share"
        ends = {"at_least": at.get(low), "at_most": at.get(high)}
        yield Limit(name=f"positive labels {names.get(split, split)}", value=share, unit="share", settings=[low, high], **ends)
    if data.repeated is not None:
        yield at.most("rows that repeat another, the worst month", data.repeated, "gate.max_repeated_share", "share")


def _drift(facts: RunFacts) -> Gate:
    found = facts.drift
    if found is None:
        return _gate("drift", "Drift", "not_tried")
    return _gate("drift", "Drift", "refused" if found.blocked else "passed", reasons=found.blocked or [of_which_model(found)])


def of_which_model(found: drift_report.Report) -> str:
    """Word the DriftMonitor's verdict, with the model that it is about."""
    if found.reference is None:
        return "nothing is in production yet, so there is nothing to compare with"
    fired = worst_first(check for check in found.checks if check.verdict != "stable")
    window = found.reference.window
    said = {"decayed": "has decayed", "drifted": "sees data that have drifted"}.get(found.verdict, "is stable")
    which = f"version {found.reference.version} in production, trained on {window[0]} to {window[-1]}, {said} in {found.span}"
    worst = f", the worst: {fired[0].reason}" if fired else ""
    return f"{which}: {len(fired)} of {len(found.checks)} checks are beyond their limits{worst}"


def _model(facts: RunFacts) -> Gate:
    model = facts.candidate
    if model is None:
        return _gate("model", "Evaluation", "not_tried")
    limits = _of_model(model, _Settings(facts.configuration))
    return _gate("model", "Evaluation", "passed" if model.blessed else "refused", limits, model.refusals)


def _of_model(model: ModelFacts, at: "_Settings") -> Iterator[Limit]:
    auc = next((metric for metric in model.metrics if metric.name == "AUC"), None)
    yield at.least("AUC", auc.candidate.value if auc else None, "evaluate.min_auc")
    if model.production_version is not None:
        moved = auc.difference.value if auc and auc.difference else None
        drop = at.get("evaluate.max_auc_drop")
        yield Limit(
            name=f"AUC less that of version {model.production_version}",
            value=moved,
            at_least=-drop if drop is not None else None,
            settings=["evaluate.max_auc_drop"],
        )


def _server(facts: RunFacts) -> Gate:
    server = facts.server
    if server is None or (not server.requests and facts.candidate and not facts.candidate.blessed):
        return _gate("server", "Server", "not_tried")
    limits = _of_server(server, _Settings(facts.configuration))
    return _gate("server", "Server", "refused" if server.reasons else "passed", limits, server.reasons)


def _of_server(server: ServerFacts, at: "_Settings") -> Iterator[Limit]:
    yield at.most("99th percentile of the latency", server.p99_ms, "canary.max_p99_ms", "ms")
    if server.slowdown is not None:
        yield at.most("latency, times that of the model in production", server.slowdown, "canary.max_slowdown")
    yield at.most("memory at the peak", server.peak_mb, "canary.max_memory_mb", "MB")
    yield at.most("growth of the memory", server.growth_mb, "canary.max_growth_mb", "MB")
    yield at.most("difference of a probability", server.difference, "canary.max_difference")


def _phone(facts: RunFacts) -> Gate:
    phone = facts.phone
    if phone is None:
        return _gate("phone", "Phone", "not_tried")
    limits = list(_of_phone(phone, _Settings(facts.configuration)))
    if facts.candidate and not facts.candidate.blessed and all(limit.holds for limit in limits):
        # It says no because the Evaluator did, and adds no reason of its own.
        return _gate("phone", "Phone", "passed", iter(limits), [phone.reason])
    state: GateState = "passed" if phone.blessed else "refused"
    return _gate("phone", "Phone", state, iter(limits), [phone.reason] if phone.reason else [])


def _of_phone(phone: PhoneFacts, at: "_Settings") -> Iterator[Limit]:
    for each in phone.variants:
        if each.limit is not None:
            name, settings = f"difference of a probability, {each.name}", [f"mobile.max_difference.{each.name}"]
            yield Limit(name=name, value=each.largest, at_most=each.limit, settings=settings)
        if each.ships:
            yield at.most(f"size, {each.name}", each.kilobytes, "mobile.max_size_kb", "KB")
    for metric, setting in (("AUC", "mobile.max_auc_change"), ("log loss", "mobile.max_log_loss_change")):
        if metric in phone.changes:
            yield at.most(f"change of {metric} in a slice", phone.changes[metric], setting)


class _Settings:
    """The limits among a run's settings, by `section.key`."""

    def __init__(self, configuration: Mapping[str, Any]):
        self._configuration = configuration

    def get(self, name: str) -> float | None:
        """Look up a setting; None if the run had none of that name, as one of older code."""
        section, _, key = name.partition(".")
        found = self._configuration.get(section, {})
        value = found.get(key) if isinstance(found, Mapping) else None
        return float(value) if isinstance(value, int | float) else None

    def least(self, name: str, value: float | None, setting: str, unit: Unit = "") -> Limit:
        return Limit(name=name, value=value, at_least=self.get(setting), unit=unit, settings=[setting])

    def most(self, name: str, value: float | None, setting: str, unit: Unit = "") -> Limit:
        return Limit(name=name, value=value, at_most=self.get(setting), unit=unit, settings=[setting])
