"""Collect all facts of a run, from its trace and the artifacts that it names."""

import hashlib
import os
import platform
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.run_report import advice, data_facts, gates, model_facts, phone_facts, verdict
from components.run_report.facts import ArtifactFacts, Node, RunFacts
from components.shared import canary_report, drift_report, source_code
from components.shared.commands import make, module
from components.shared.files import files_below, sha256
from components.shared.nodes import NodeId, Output
from components.shared.target import Target
from components.shared.trace import Trace


class Settings(BaseModel):
    """What a report needs to know besides the run's artifacts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dag: dict[str, list[str]]  # nodes that each node waits for, in the order in which they run
    units: dict[str, str]  # by feature, for those that have one
    target: Target
    model: str  # the name that clients ask for
    problem: str = ""  # as `components.shared.commands` takes it
    built: bool = True  # a program of the problem makes its rows
    git_commit: str  # of the code
    configuration: dict[str, Any]
    overrides: list[str]  # what differs from the configuration of the checkout, as `section.key=value`
    logs: str = ""  # folder of the runs' logs, `<run>.log`; empty: the run was not on a machine of ours


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
    drift, server = trace.output(Output.DRIFT), trace.output(Output.INFRA_BLESSING)
    span = _span(trace)
    mobile = settings.configuration.get("mobile", {})
    log = Path(settings.logs, f"{trace.run}.log")
    seen = RunFacts(
        run=trace.run,
        model=settings.model,
        problem=settings.problem,
        span=span,
        started=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        seconds=round(ended - started, 1),
        outcome="unfinished",
        headline="",
        version=None,
        log=str(log) if settings.logs and log.is_file() else "",
        in_production=production(trace),
        nodes=nodes(trace, settings.dag),
        data=data_facts.data(trace, settings.units, settings.target),
        drift=drift_report.read(drift.uri) if drift else None,
        candidate=model_facts.model(trace, settings.target),
        phone=phone_facts.phone(trace, settings.target.task, int(mobile.get("min_slice_rows", 0))),
        server=canary_report.read(server.uri) if server else None,  # TFX's InfraValidator leaves none
        lineage=lineage(trace),
        configuration=settings.configuration,
        environment=dict(environment),
        reproduce=reproduce(settings, span),
    )
    held = gates.gates(seen)
    said = verdict.verdict(trace, span, seen.candidate, held)
    states = [node.model_copy(update={"state": gates.node_state(node, held, said.outcome)}) for node in seen.nodes]
    served = said.published if said.published and not said.waiting else seen.in_production
    made = seen.model_copy(update=asdict(said) | {"gates": held, "nodes": states, "in_production": served})
    return made.model_copy(update={"steps": advice.steps(made, *commands(settings, span))})


def production(trace: Trace) -> str:
    """Return the folder of the version in production before the run; empty if there was none, or it is not known."""
    model = trace.output(Output.PRODUCTION)
    version = model.properties.get("version", 0) if model else 0
    # On Kubeflow the folder is not known.
    folder = trace.executions[NodeId.PRODUCTION_MODEL].parameters.get("folder", "") if version else ""
    return f"{folder}/{int(version)}" if folder else ""


def nodes(trace: Trace, dag: Mapping[str, list[str]]) -> list[Node]:
    """List every node of the DAG, also those that did not run."""
    skipped = NodeId.DRIFT_MONITOR in trace.executions and not trace.failures
    found = []
    for name, upstream in dag.items():
        node = Node(name=name, upstream=upstream, state="skipped" if skipped else "not_run")
        if name == NodeId.RUN_REPORT:
            node = Node(name=name, upstream=upstream, state="done")
        elif each := trace.executions.get(name):
            node = Node(name=name, upstream=upstream, state=each.state, seconds=round(each.seconds, 2), message=each.message)
        found.append(node)
    return found


def _span(trace: Trace) -> str:
    """Return the newest span of the window, also where it could not be read; empty if not even that was asked for."""
    examples = trace.output(Output.EXAMPLES)
    if examples:
        return str(examples.properties["span"])
    reader = trace.executions.get(NodeId.SPAN_EXAMPLE_GEN)
    return str(reader.parameters.get("span", "")) if reader else ""


def lineage(trace: Trace) -> list[ArtifactFacts]:
    """List what was made from what: every output of the run, in the order of its nodes, with a sum of its files."""
    users: dict[int, dict[str, None]] = {}
    for execution in trace.executions.values():
        for artifacts in execution.inputs.values():
            for artifact in artifacts:
                users.setdefault(artifact.id, {})[execution.node] = None
    return [
        ArtifactFacts(
            node=execution.node,
            key=key,
            type=artifact.type,
            uri=artifact.uri,
            sha256=tree_sum(Path(artifact.uri)),
            used_by=list(users.get(artifact.id, [])),
        )
        for execution in trace.executions.values()
        for key, artifacts in execution.outputs.items()
        for artifact in artifacts
    ]


def tree_sum(folder: Path) -> str:
    """Return the hex SHA-256 over the names and sums of a folder's files, as `sha256sum` lists them; empty if it has none."""
    lines = [f"{sha256(folder / path)}  {path}\n" for path in files_below(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else ""


def here(git_commit: str) -> dict[str, str]:
    """Describe the environment of this process, which is the run's while the run writes its report."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return {"git commit": git_commit, "machine": machine, **source_code.versions()}


def reproduce(settings: Settings, span: str) -> list[str]:
    """List the commands that run the same span with the same code and settings, in a folder of their own."""
    checkout = [f"git checkout {settings.git_commit.removesuffix('-dirty')}"] if settings.git_commit != "unknown" else []
    spans = settings.configuration.get("data", {}).get("spans", "the spans")
    rows = [make("setup data", settings.problem)]
    if not settings.built:
        rows = ["make setup", f"# No program makes the rows: {spans} must hold the files that this run read."]
    command = f"{_command('local_runner', settings)} --root runs/again --span {span}"
    return [*checkout, *rows, " ".join([command, *(f"--set {shlex.quote(each)}" for each in settings.overrides)])]


def commands(settings: Settings, span: str) -> tuple[str, str]:
    """Return the commands that run the span again in its root and take a publication back; empty if nobody types them."""
    if not settings.logs:
        return "", ""
    root = shlex.quote(str(Path(settings.logs).parent))
    overrides = "".join(f" --set {shlex.quote(each)}" for each in settings.overrides)
    again, back = (f"{_command(name, settings)} --root {root}" for name in ("local_runner", "rollback"))
    return f"{again} --span {span}{overrides}", f"{back}{overrides}"


def _command(name: str, settings: Settings) -> str:
    return f".venv/bin/{module(f'pipeline.{name}', settings.problem)}"
