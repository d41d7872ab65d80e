"""Read from ML Metadata what earlier runs did. Imports no TensorFlow."""

import json
from importlib.util import find_spec
from pathlib import Path

from ml_metadata.metadata_store import ListOptions, MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.shared import drift_report, metadata_file
from components.shared.nodes import NodeId
from components.shared.trace import RUN, node_of, open_store, read, runs
from components.span_example_gen import content

# The one that decides; phones can be left out.
LAST_NODE = NodeId.MOBILE_PUBLISHER if find_spec("pipeline.parts.phone") else NodeId.PUBLISHER
DONE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)

Outputs = dict[str, dict[str, mlmd.Artifact]]  # node -> output key -> artifact


def decided(path: Path, model: str) -> dict[str, dict[str, str]]:
    """Find the spans whose run came to a decision about `model`: published, not blessed, or not wanted by the drift policy.

    Each comes with what the newest decision was made on: span of its window -> `content.totals` of its files; nothing if
    that was not recorded. A killed, failed or rejected run decided nothing: its Publisher did not finish.
    """
    if not metadata_file.exists(path):
        return {}
    store = open_store(path)
    found = {  # by the execution that decided
        execution.id: execution.custom_properties["span"].string_value
        for execution in _executions(store, LAST_NODE, f"custom_properties.model_name.string_value = '{model}'")
        if execution.last_known_state in DONE
    }
    of_model = f"custom_properties.retrain.int_value = 0 AND custom_properties.model.string_value = '{model}'"
    quiet = {
        report.id: report.custom_properties["span"].string_value
        for report in store.get_artifacts(
            ListOptions(filter_query=f"type = '{drift_report.ARTIFACT}' AND state = LIVE AND {of_model}")
        )
    }
    events = store.get_events_by_artifact_ids(list(quiet)) if quiet else []
    found |= {event.execution_id: quiet[event.artifact_id] for event in events if event.type == mlmd.Event.OUTPUT}
    read = _content(store, list(found))
    return {span: read.get(execution, {}) for execution, span in sorted(found.items())}


def _content(store: MetadataStore, executions: list[int]) -> dict[int, dict[str, str]]:
    """Return what executions read, as SpanExampleGen recorded it."""
    inputs = {
        event.execution_id: event.artifact_id
        for event in (store.get_events_by_execution_ids(executions) if executions else [])
        if event.type == mlmd.Event.INPUT and event.path.steps[0].key == "examples"
    }
    artifacts = store.get_artifacts_by_id(sorted(set(inputs.values()))) if inputs else []
    texts = {artifact.id: artifact.custom_properties[content.PROPERTY].string_value for artifact in artifacts}
    return {execution: json.loads(texts[artifact]) for execution, artifact in inputs.items() if texts[artifact]}


def attempts(path: Path, span: str, since: float) -> int:
    """Count the runs that started to read `span` after a time, in seconds since 1970, whatever came of them."""
    if not metadata_file.exists(path):
        return 0
    of_span = f"custom_properties.span.string_value = '{span}'"
    found = _executions(open_store(path), NodeId.SPAN_EXAMPLE_GEN, of_span)
    return sum(execution.create_time_since_epoch > since * 1000 for execution in found)


def _executions(store: MetadataStore, node: NodeId, condition: str) -> list[mlmd.Execution]:
    """List the executions of a node that meet a condition. The contexts of nodes are named <pipeline>.<node>."""
    return store.get_executions(ListOptions(filter_query=f"contexts_c.name LIKE '%.{node}' AND {condition}"))


def last_run(path: Path) -> Outputs:
    """Return the artifacts of the newest run, by node and output key. Nodes that did not finish have none."""
    store = open_store(path)
    run = max(store.get_contexts_by_type(RUN), key=lambda context: context.id)
    outputs: Outputs = {}
    for execution in store.get_executions_by_context(run.id):
        finished = execution.last_known_state in DONE
        events = store.get_events_by_execution_ids([execution.id]) if finished else []
        keys = {event.artifact_id: event.path.steps[0].key for event in events if event.type == mlmd.Event.OUTPUT}
        outputs[node_of(store, execution)] = {keys[found.id]: found for found in store.get_artifacts_by_id(list(keys))}
    return outputs


def unreported(path: Path) -> str:
    """Say why the newest run's report failed; empty if it did not, or the run has none."""
    store = open_store(path)
    report = read(store, runs(store)[-1]).executions.get(NodeId.RUN_REPORT)
    return (report.message or "it did not say why") if report and not report.succeeded else ""
