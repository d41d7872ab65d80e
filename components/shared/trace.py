"""Read what a run did from ML Metadata: its nodes, how each ended, and what was made from what. Imports no TensorFlow."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from ml_metadata import errors, metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.shared import metadata_file
from components.shared.nodes import Output

NodeState = Literal["done", "cached", "failed", "refused", "not_tried", "skipped", "not_run"]
RUN = "pipeline_run"  # the type of the context that TFX makes for each run
TFX_VALUE = "__value__"  # TFX's field for a value without structure; tfx.types.artifact
MESSAGE = "failure"  # custom property of a failed execution: why
STATES: dict[int, NodeState] = {
    mlmd.Execution.COMPLETE: "done",
    mlmd.Execution.CACHED: "cached",
    mlmd.Execution.FAILED: "failed",
    mlmd.Execution.RUNNING: "failed",  # it was killed, unless it is the node that asks
}

Property = Any  # a text, a number, or a dictionary


@dataclass(frozen=True)
class Artifact:
    """An artifact: its id in the store, its type's name, its folder, and its own and custom properties."""

    id: int
    type: str
    uri: str
    properties: dict[str, Property]


@dataclass(frozen=True)
class Execution:
    """A node's execution in a run.

    Attributes:
        node: its id in the pipeline.
        state: how it ended.
        started: seconds since 1970.
        seconds: how long it took.
        message: why it failed, if its runner said so.
        parameters: its exec properties.
        inputs, outputs: artifacts by key.
    """

    node: str
    state: NodeState
    started: float
    seconds: float
    message: str = ""
    parameters: dict[str, Property] = field(default_factory=dict)
    inputs: dict[str, list[Artifact]] = field(default_factory=dict)
    outputs: dict[str, list[Artifact]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """A run: its name, and its executions by node, in the order in which they started."""

    run: str
    executions: dict[str, Execution]

    def output(self, output: Output) -> Artifact | None:
        """Return the artifact that a node wrote; None if it did not succeed."""
        execution = self.executions.get(output.node)
        found = execution.outputs.get(output.key, []) if execution and execution.state in ("done", "cached") else []
        return found[0] if found else None


def open_store(path: Path) -> metadata_store.MetadataStore:
    """Open the SQLite file of a local run, which must exist. Raises RootUnusable."""
    metadata_file.check(path, to_write=False)
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    return metadata_store.MetadataStore(config)


def runs(store: metadata_store.MetadataStore) -> list[str]:
    """List the names of all runs, the oldest first."""
    try:
        contexts = store.get_contexts_by_type(RUN)
    except errors.NotFoundError:
        return []
    return [context.name for context in sorted(contexts, key=lambda context: context.id)]


def read(store: metadata_store.MetadataStore, run: str) -> Trace:
    """Read one run. Raises KeyError if there is none of that name."""
    context = store.get_context_by_type_and_name(RUN, run)
    if context is None:
        raise KeyError(run)
    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    return Trace(run, {(found := _execution(store, each)).node: found for each in executions})


def node_of(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> str:
    """Return the id of the node in the pipeline; two nodes may be of one type."""
    [context] = [context for context in store.get_contexts_by_execution(execution.id) if context.type == "node"]
    return node_in(context)


def node_in(context: mlmd.Context) -> str:
    """Return the id of the node that a context of the type "node" stands for, named `<pipeline>.<node>`."""
    return context.name.rpartition(".")[2]


def _execution(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> Execution:
    events = store.get_events_by_execution_ids([execution.id])
    artifacts = {each.id: _artifact(each) for each in store.get_artifacts_by_id([event.artifact_id for event in events])}
    found: dict[int, dict[str, list[Artifact]]] = {mlmd.Event.INPUT: {}, mlmd.Event.OUTPUT: {}}
    for event in events:
        if event.type in found:
            found[event.type].setdefault(event.path.steps[0].key, []).append(artifacts[event.artifact_id])
    parameters = _values(execution.custom_properties)
    return Execution(
        node=node_of(store, execution),
        state=STATES.get(execution.last_known_state, "failed"),
        started=execution.create_time_since_epoch / 1000,
        seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
        message=str(parameters.pop(MESSAGE, "")),
        parameters=parameters,
        inputs=found[mlmd.Event.INPUT],
        outputs=found[mlmd.Event.OUTPUT],
    )


def _artifact(artifact: mlmd.Artifact) -> Artifact:
    properties = _values(artifact.properties) | _values(artifact.custom_properties)
    return Artifact(artifact.id, artifact.type, artifact.uri, properties)


def of_tfx(artifact) -> Artifact:
    """Convert an artifact as TFX gives it to an executor."""
    return _artifact(artifact.mlmd_artifact)


def _values(properties) -> dict[str, Property]:
    return {name: _value(getattr(value, kind)) for name, value in properties.items() if (kind := value.WhichOneof("value"))}


def _value(value):
    """Unwrap a value: TFX keeps in a Struct what ML Metadata has no type for: a dictionary, or any number from Kubeflow."""
    if not isinstance(value, Struct):
        return value
    fields = json_format.MessageToDict(value)
    return fields.get(TFX_VALUE, fields)
