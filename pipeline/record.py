"""What earlier runs did, read from ML Metadata. Imports no TensorFlow."""

from pathlib import Path

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components import metadata_file
from components.run_report.trace import RUN, node_of, open_store

PUBLISHER = "components.publisher.component.Publisher"
LAST_NODE = "MobilePublisher"
DRIFT_REPORT = "crosswind.DriftReport"
EXAMPLES = "components.span_example_gen.component.SpanExampleGen"
DONE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)

Outputs = dict[str, dict[str, mlmd.Artifact]]  # node -> output key -> artifact


def processed_spans(path: Path, model: str) -> set[str]:
    """Spans whose run came to a decision about `model`: published, not blessed, or not wanted by the drift policy.

    A killed, failed or rejected run is none: its last Publisher did not finish.
    """
    pushed = [
        execution.custom_properties
        for execution in _executions(path, PUBLISHER)
        if execution.last_known_state in DONE
        and execution.custom_properties["model_name"].string_value == model
        and node_of(open_store(path), execution) == LAST_NODE
    ]
    quiet = [
        report.custom_properties
        for report in _artifacts(path, DRIFT_REPORT)
        if not report.custom_properties["retrain"].int_value
        and report.custom_properties["model"].string_value == model
        and report.state == mlmd.Artifact.LIVE
    ]
    return {properties["span"].string_value for properties in pushed + quiet}


def attempts(path: Path, span: str, since: float) -> int:
    """How many runs of `span` have started to read it after a time, in seconds since 1970, whatever came of them."""
    return sum(
        execution.custom_properties["span"].string_value == span and execution.create_time_since_epoch > since * 1000
        for execution in _executions(path, EXAMPLES)
    )


def _executions(path: Path, type_name: str) -> list[mlmd.Execution]:
    """All executions of a type; none if there is no database yet, or none of that type in it."""
    if not metadata_file.exists(path):
        return []
    try:
        return open_store(path).get_executions_by_type(type_name)
    except errors.NotFoundError:
        return []


def _artifacts(path: Path, type_name: str) -> list[mlmd.Artifact]:
    """All artifacts of a type, as `_executions`."""
    if not metadata_file.exists(path):
        return []
    try:
        return open_store(path).get_artifacts_by_type(type_name)
    except errors.NotFoundError:
        return []


def last_run(path: Path) -> Outputs:
    """The artifacts of the newest run, by node and output key. Nodes that did not finish have none."""
    store = open_store(path)
    run = max(store.get_contexts_by_type(RUN), key=lambda context: context.id)
    outputs: Outputs = {}
    for execution in store.get_executions_by_context(run.id):
        events = [
            event
            for event in store.get_events_by_execution_ids([execution.id])
            if event.type == mlmd.Event.OUTPUT and execution.last_known_state in DONE
        ]
        artifacts = {artifact.id: artifact for artifact in store.get_artifacts_by_id([event.artifact_id for event in events])}
        outputs[node_of(store, execution)] = {event.path.steps[0].key: artifacts[event.artifact_id] for event in events}
    return outputs
