"""Collect all facts of a run, from its trace and the artifacts that it names."""

import os
import platform
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.run_report import advice, data_facts, gates, model_facts, phone_facts, verdict
from components.run_report.facts import Node, RunFacts
from components.run_report.lineage import lineage
from components.shared import drift_report, source_code
from components.shared.nodes import NodeId, Output
from components.shared.trace import Trace


class Settings(BaseModel):
    """What a report needs to know besides the run's artifacts.

    Attributes:
        dag: nodes that each node waits for, in the order in which they run.
        units: unit by feature, for those that have one.
        label: the label's column.
        model: the name that clients ask for.
        problem: its folder, for the commands; empty: the one that they take by default.
        git_commit: of the code.
        configuration: all of it.
        logs: folder of the runs' logs, `<run>.log`; empty: the run was not on a machine of ours.
        overrides: what differs from the configuration of the checkout, as `section.key=value`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dag: dict[str, list[str]]
    units: dict[str, str]
    label: str
    model: str
    problem: str = ""
    git_commit: str
    configuration: dict[str, Any]
    overrides: list[str]
    logs: str = ""


def collect(trace: Trace, settings: Settings, environment: Mapping[str, str]) -> RunFacts:
    """Collect the facts of a run; what it did not reach is None.

    Args:
        trace: what the run did, at least one node.
        settings: what the report needs to know besides.
        environment: the one it ran in, see `here`.
    """
    executions = trace.executions.values()
    started = min(execution.started for execution in executions)
    ended = max(execution.started + execution.seconds for execution in executions if execution.node != NodeId.RUN_REPORT)
    drift = trace.output(Output.DRIFT)
    found = drift_report.read(drift.uri) if drift else None
    candidate = model_facts.model(trace, settings.label)
    span = _span(trace)
    log = Path(settings.logs) / f"{trace.run}.log" if settings.logs else None
    seen = RunFacts(
        run=trace.run,
        model=settings.model,
        span=span,
        started=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        seconds=round(ended - started, 1),
        outcome="unfinished",
        headline="",
        version=None,
        log=str(log) if log and log.is_file() else "",
        in_production=production(trace),
        nodes=nodes(trace, settings.dag),
        data=data_facts.data(trace, settings.units, settings.label),
        drift=found,
        candidate=candidate,
        phone=phone_facts.phone(trace, int(settings.configuration.get("mobile", {}).get("min_slice_rows", 0))),
        server=phone_facts.server(trace),
        lineage=lineage(trace),
        configuration=settings.configuration,
        environment=dict(environment),
        reproduce=reproduce(settings, span),
    )
    return concluded(seen, trace, *commands(settings, span))


def concluded(seen: RunFacts, trace: Trace, again: str, back: str) -> RunFacts:
    """Return the facts with what follows from them: gates, the states of the nodes, the verdict, and what to do.

    Args:
        seen: the facts without these.
        trace: of the run.
        again, back: as for `advice.steps`.
    """
    held = gates.gates(seen)
    said = verdict.verdict(trace, seen.span, seen.candidate, held)
    made = seen.model_copy(
        update={
            "gates": held,
            "nodes": [node.model_copy(update={"state": gates.node_state(node, held, said.outcome)}) for node in seen.nodes],
            "outcome": said.outcome,
            "headline": said.headline,
            "version": said.version,
            "waiting": said.waiting,
            "published": said.published,
            "in_production": said.published if said.published and not said.waiting else seen.in_production,
        }
    )
    return made.model_copy(update={"steps": advice.steps(made, again, back)})


def production(trace: Trace) -> str:
    """Return the folder of the version in production before the run; empty if there was none, or it is not known."""
    model = trace.output(Output.PRODUCTION)
    version = model.properties.get("version", 0) if model else 0
    # On Kubeflow the folder is not known.
    folder = trace.executions[NodeId.PRODUCTION_MODEL].parameters.get("folder", "") if version else ""
    return f"{folder}/{int(version)}" if folder else ""


def nodes(trace: Trace, dag: Mapping[str, list[str]]) -> list[Node]:
    """List every node of the DAG, also those that did not run."""
    decided = any(execution.node == NodeId.DRIFT_MONITOR for execution in trace.executions.values())
    failed = any(each.state == "failed" and each.node != NodeId.RUN_REPORT for each in trace.executions.values())
    found = []
    for name, upstream in dag.items():
        execution = trace.executions.get(name)
        if name == NodeId.RUN_REPORT:
            found.append(Node(name=name, upstream=upstream, state="done"))
        elif execution is None:
            found.append(Node(name=name, upstream=upstream, state="skipped" if decided and not failed else "not_run"))
        else:
            seconds, message = round(execution.seconds, 2), execution.message
            found.append(Node(name=name, upstream=upstream, state=execution.state, seconds=seconds, message=message))
    return found


def _span(trace: Trace) -> str:
    """Return the newest month of the window, also where it could not be read; empty if not even that was asked for."""
    examples = trace.output(Output.EXAMPLES)
    if examples:
        return str(examples.properties["span"])
    reader = trace.executions.get(NodeId.SPAN_EXAMPLE_GEN)
    return str(reader.parameters.get("span", "")) if reader else ""


def here(git_commit: str) -> dict[str, str]:
    """Describe the environment of this process, which is the run's while the run writes its report."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return {"git commit": git_commit, "machine": machine, **source_code.versions()}


def reproduce(settings: Settings, span: str) -> list[str]:
    """List the commands that run the same span with the same code and settings, in a folder of their own."""
    checkout = [f"git checkout {settings.git_commit.removesuffix('-dirty')}"] if settings.git_commit != "unknown" else []
    command = f".venv/bin/python -m pipeline.local_runner{_of_problem(settings)} --root runs/again --span {span}"
    return [*checkout, "make setup data", " ".join([command, *(f"--set '{each}'" for each in settings.overrides)])]


def commands(settings: Settings, span: str) -> tuple[str, str]:
    """Return the commands that run the span again in its root and take a publication back; empty if nobody types them."""
    if not settings.logs:
        return "", ""
    root = shlex.quote(str(Path(settings.logs).parent))
    overrides = "".join(f" --set {shlex.quote(each)}" for each in settings.overrides)
    again, back = (
        f".venv/bin/python -m pipeline.{name}{_of_problem(settings)} --root {root}" for name in ("local_runner", "rollback")
    )
    return f"{again} --span {span}{overrides}", f"{back}{overrides}"


def _of_problem(settings: Settings) -> str:
    return f" --problem {shlex.quote(settings.problem)}" if settings.problem else ""
