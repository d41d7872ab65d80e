"""Collect the gates of a run, from the data to the publication: what each compared with which limit, and how it ended."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.run_report.drift_rank import worst_first
from components.run_report.facts import (
    DataFacts,
    Ending,
    FigureUnit,
    GateFacts,
    GateState,
    Limit,
    Metric,
    Node,
    NodeState,
    PhoneFacts,
    RunFacts,
)
from components.shared import drift_report, tasks
from components.shared.data_findings import days_needed
from components.shared.nodes import NodeId as N
from components.shared.units import Unit, called, days_evaluated

REFUSALS = ("DataRejected", "BadData", "NotConvertible")  # errors by which a node refuses what it got; any other is a failure
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


def gates(facts: RunFacts) -> list[GateFacts]:
    """List all gates in their order.

    Args:
        facts: of the run, without its gates; nodes are in the states that ML Metadata has.
    """
    found = (_data(facts), _drift(facts), _model(facts), _server(facts), _phone(facts))
    return [_failed(gate, facts.nodes) for gate in found]


def refusing(found: Iterable[GateFacts]) -> GateFacts | None:
    return next((gate for gate in found if gate.state == "refused"), None)


def kind(message: str) -> str:
    """Return the name of the error that a failed node's message begins with."""
    return message.partition(": ")[0]


def node_state(node: Node, held: Iterable[GateFacts], outcome: Ending) -> NodeState:
    """Return a node's state for the page: one that succeeded may have refused, or have had nothing to do."""
    decided = next((gate.state for gate in held if node.name == gate.node), None)
    if decided == "refused":
        return "refused"
    idle = decided == "not_tried" or (node.name in PUBLISHERS and outcome == "not_blessed")
    return "not_tried" if idle and node.state in ("done", "cached") else node.state


def _failed(gate: GateFacts, nodes: Iterable[Node]) -> GateFacts:
    """Mark the gate as refused or failed if one of its nodes ended the run."""
    node = next((each for each in nodes if each.name in NODES[gate.id] and each.state == "failed"), None)
    if node is None:
        return gate
    state: GateState = "refused" if kind(node.message) in REFUSALS else "failed"
    # The page lists the findings separately.
    told = "" if kind(node.message) == "DataRejected" else node.message.partition("\n")[0]
    return gate.model_copy(update={"node": node.name, "state": state, "reasons": [*filter(None, [told]), *gate.reasons]})


def _gate(id_: str, name: str, state: GateState, limits: Iterable[Limit] = (), reasons: Iterable[str] = ()) -> GateFacts:
    return GateFacts(id=id_, name=name, node=NODES[id_][-1], state=state, limits=list(limits), reasons=list(reasons))


def _data(facts: RunFacts) -> GateFacts:
    done = any(node.name == N.DATA_GATE and node.state in ("done", "cached") for node in facts.nodes)
    state: GateState = "passed" if done else "not_tried"
    if (data := facts.data) is None:
        return _gate("data", "Data", state)
    words = [f"{', '.join(filter(None, (each.split, each.feature))) or 'all data'}: {each.text}" for each in data.findings]
    return _gate("data", "Data", state, _of_data(facts, data), words)


def _of_data(facts: RunFacts, data: DataFacts) -> Iterator[Limit]:
    names = {"train": "to train", "eval": "to evaluate"}
    for split, rows in data.rows.items():
        yield _limit(facts, f"rows {names.get(split, split)}", rows, "rows", least="gate.min_rows")
    days = _limit(facts, "days to evaluate", data.days.get("eval"), "days", least="gate.min_eval_days")
    if days.value is not None and days.at_least is not None:
        held_out = _days_evaluated(facts.configuration.get("data", {}))
        needed = days.at_least if held_out is None else days_needed(int(days.at_least), held_out)
        yield days.model_copy(update={"at_least": needed})
    ends = {"least": "gate.min_positive_share", "most": "gate.max_positive_share"}
    for split, share in data.positives.items():
        yield _limit(facts, f"positive labels {names.get(split, split)}", share, "share", **ends)
    for name, share in data.classes.items():
        yield _limit(facts, f"{name} labels to train, the rarest", share, "share", least="gate.min_class_share")
    if data.repeated is not None:
        name = f"rows that repeat another, the worst {called(facts.span)}"
        yield _limit(facts, name, data.repeated, "share", most="gate.max_repeated_share")


def _days_evaluated(settings: Mapping[str, Any]) -> int | None:
    """Return of how many days there are evaluation rows at least; None if that is not known."""
    if "eval_days" not in settings:
        return None
    unit = Unit(settings.get("unit", Unit.MONTH))  # of older runs, that had months only
    return days_evaluated(unit, settings["eval_days"], settings.get("eval_spans", 0), settings.get("max_gaps", 0))


def _drift(facts: RunFacts) -> GateFacts:
    if (found := facts.drift) is None:
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


def _model(facts: RunFacts) -> GateFacts:
    if (model := facts.candidate) is None:
        return _gate("model", "Evaluation", "not_tried")
    task, found = tasks.TASKS[model.task], model.decides
    metric, limit, change = task.decides, f"evaluate.{task.limit}", f"evaluate.{task.change}"
    value = found.candidate.value if found else None
    higher = metric.better == "higher"
    limits = [_limit(facts, metric.name, value, least=limit) if higher else _limit(facts, metric.name, value, most=limit)]
    held_to_nothing = not higher and not limits[0].at_most  # a limit of 0 is none
    if held_to_nothing:
        limits = []
    if model.production_version is not None:
        before = found.production.value if found and found.production else None
        moved = found.difference.value if found and found.difference else None
        name = f"{metric.name} less that of version {model.production_version}"
        if metric.in_unit:
            name, moved = f"{name}, as a share of it", moved / before if moved is not None and before else None
        drop = _limit(facts, name, moved, least=change) if higher else _limit(facts, name, moved, most=change)
        limits.append(drop if drop.at_least is None else drop.model_copy(update={"at_least": -drop.at_least}))
    said = [_beside_naive(task, found, limit)] if found and held_to_nothing else []
    return _gate("model", "Evaluation", "passed" if model.blessed else "refused", limits, [*model.refusals, *said])


def _beside_naive(task: tasks.Task, found: Metric, limit: str) -> str:
    """Word what decides where the setting `limit` is 0: a person judges it by the naive answer's."""
    figure = task.decides.figure
    beside = f", and {figure(found.naive)} of always answering with {task.naive}" if found.naive is not None else ""
    return f"{found.name} {figure(found.candidate.value)}{beside}; {limit} is 0, which is no limit"


def _server(facts: RunFacts) -> GateFacts:
    server = facts.server
    if server is None or (not server.requests and facts.candidate and not facts.candidate.blessed):
        return _gate("server", "Server", "not_tried")
    limits = [_limit(facts, "99th percentile of the latency", server.p99_ms, "ms", most="canary.max_p99_ms")]
    if server.slowdown is not None:
        name = "latency, times that of the model in production"
        limits.append(_limit(facts, name, server.slowdown, most="canary.max_slowdown"))
    called = tasks.configured(facts.configuration).called
    limits += [
        _limit(facts, "memory at the peak", server.peak_mb, "MB", most="canary.max_memory_mb"),
        _limit(facts, "growth of the memory", server.growth_mb, "MB", most="canary.max_growth_mb"),
        _limit(facts, f"difference of a {called}", server.difference, most="canary.max_difference"),
    ]
    return _gate("server", "Server", "refused" if server.reasons else "passed", limits, server.reasons)


def _phone(facts: RunFacts) -> GateFacts:
    if (phone := facts.phone) is None:
        return _gate("phone", "Phone", "not_tried")
    limits = list(_of_phone(facts, phone))
    # After a candidate that was not blessed it says no because the Evaluator did, and adds no reason of its own.
    follows = facts.candidate and not facts.candidate.blessed and all(limit.holds for limit in limits)
    return _gate("phone", "Phone", "passed" if phone.blessed or follows else "refused", limits, filter(None, [phone.reason]))


def _of_phone(facts: RunFacts, phone: PhoneFacts) -> Iterator[Limit]:
    task = tasks.configured(facts.configuration)
    for each in phone.variants:
        if each.limit is not None:
            name, settings = f"difference of a {task.called}, {each.name}", [f"mobile.max_difference.{each.name}"]
            yield Limit(name=name, value=each.largest, at_most=each.limit, settings=settings)
        if each.ships:
            yield _limit(facts, f"size, {each.name}", each.kilobytes, "KB", most="mobile.max_size_kb")
    for key, setting in task.mobile.items():
        if (name := task.metric(key).name) in phone.changes:
            yield _limit(facts, f"change of {name} in a slice", phone.changes[name], most=f"mobile.{setting}")


def _limit(facts: RunFacts, name: str, value: float | None, unit: FigureUnit = "", *, least: str = "", most: str = "") -> Limit:
    """Hold a figure against what the settings of these names, `section.key`, say."""
    low, high = (_setting(facts, setting) for setting in (least, most))
    return Limit(name=name, value=value, at_least=low, at_most=high, unit=unit, settings=[*filter(None, (least, most))])


def _setting(facts: RunFacts, name: str) -> float | None:
    """Look up a number; None if the run had no setting of that name, as one of older code."""
    section, _, key = name.partition(".")
    found = facts.configuration.get(section, {}).get(key)
    return float(found) if isinstance(found, int | float) else None
