"""What earlier runs did, read from ML Metadata. Imports no TensorFlow."""

from pathlib import Path

from ml_metadata import errors, metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

PUBLISHER = "components.publisher.component.Publisher"
DONE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)

Outputs = dict[str, dict[str, mlmd.Artifact]]  # node -> output key -> artifact


def open_store(path: Path) -> metadata_store.MetadataStore:
    """Opens the SQLite file of a local run, which must exist."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    return metadata_store.MetadataStore(config)


def processed_spans(path: Path) -> set[str]:
    """Spans whose run came to a decision, published or not. A killed, failed or rejected run is none."""
    if not path.exists():
        return set()
    try:
        executions = open_store(path).get_executions_by_type(PUBLISHER)
    except errors.NotFoundError:
        return set()
    return {execution.custom_properties["span"].string_value for execution in executions if execution.last_known_state in DONE}


def last_run(path: Path) -> Outputs:
    """The artifacts of the newest run, by node and output key. Nodes that did not finish have none."""
    store = open_store(path)
    run = max(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
    outputs: Outputs = {}
    for execution in store.get_executions_by_context(run.id):
        events = [
            event
            for event in store.get_events_by_execution_ids([execution.id])
            if event.type == mlmd.Event.OUTPUT and execution.last_known_state in DONE
        ]
        artifacts = {artifact.id: artifact for artifact in store.get_artifacts_by_id([event.artifact_id for event in events])}
        node = store.get_execution_types_by_id([execution.type_id])[0].name.rpartition(".")[2]
        outputs[node] = {event.path.steps[0].key: artifacts[event.artifact_id] for event in events}
    return outputs
