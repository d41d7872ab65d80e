"""Read what a run did from ML Metadata: its nodes, how each ended, and what was made from what. Imports no TensorFlow."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.shared import metadata_file
from components.shared.nodes import NodeId, Output

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


@dataclass(frozen=True)
class Artifact:
    """An artifact: its id in the store, its type's name, its folder, and its own and custom properties."""

    id: int
    type: str
    uri: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class Execution:
    """A node's execution in a run."""

    node: str  # its id in the pipeline
    state: NodeState
    started: float  # seconds since 1970
    seconds: float
    message: str = ""  # why it failed, if its runner said so
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, list[Artifact]] = field(default_factory=dict)
    outputs: dict[str, list[Artifact]] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.state in ("done", "cached")


@dataclass(frozen=True)
class Trace:
    """A run: its name, and its executions by node, in the order in which they started."""

    run: str
    executions: dict[str, Execution]

    def output(self, output: Output) -> Artifact | None:
        """Return the artifact that a node wrote; None if it did not succeed."""
        execution = self.executions.get(output.node)
        return next(iter(execution.outputs.get(output.key, [])), None) if execution and execution.succeeded else None

    def outputs(self, *wanted: Output) -> list[Artifact] | None:
        """Return several; None if one is missing."""
        found = [artifact for each in wanted if (artifact := self.output(each))]
        return found if len(found) == len(wanted) else None

    @property
    def failures(self) -> list[Execution]:
        """The executions that failed; RunReport's own is still under way while it asks."""
        return [each for each in self.executions.values() if each.state == "failed" and each.node != NodeId.RUN_REPORT]


def open_store(path: Path) -> metadata_store.MetadataStore:
    """Open the SQLite file of a local run, which must exist. Raises RootUnusable."""
    metadata_file.check(path, to_write=False)
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    return metadata_store.MetadataStore(config)


def runs(store: metadata_store.MetadataStore) -> list[str]:
    """List the names of all runs, the oldest first."""
    contexts = store.get_contexts(metadata_store.ListOptions(filter_query=f"type = '{RUN}'"))
    return [context.name for context in sorted(contexts, key=lambda context: context.id)]


def read(store: metadata_store.MetadataStore, run: str) -> Trace:
    """Read one run. Raises KeyError if there is none of that name."""
    context = store.get_context_by_type_and_name(RUN, run)
    if context is None:
        raise KeyError(run)
    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    return Trace(run, {(found := _execution(store, each)).node: found for each in executions})


def node_of(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> str:
    """Return the id of the node in the pipeline, whose context is named `<pipeline>.<node>`; two nodes may be of one type."""
    [context] = [context for context in store.get_contexts_by_execution(execution.id) if context.type == "node"]
    return context.name.rpartition(".")[2]


def _execution(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> Execution:
    events = store.get_events_by_execution_ids([execution.id])
    artifacts = {each.id: each for each in store.get_artifacts_by_id([event.artifact_id for event in events])}
    found: dict[int, dict[str, list[Artifact]]] = {mlmd.Event.INPUT: {}, mlmd.Event.OUTPUT: {}}
    for event in events:
        if event.type in found:
            found[event.type].setdefault(event.path.steps[0].key, []).append(of_store(artifacts[event.artifact_id]))
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


def of_store(artifact: mlmd.Artifact) -> Artifact:
    """Convert an artifact of ML Metadata, which TFX's own hold too."""
    properties = _values(artifact.properties) | _values(artifact.custom_properties)
    return Artifact(artifact.id, artifact.type, artifact.uri, properties)


def _values(properties) -> dict[str, Any]:
    """Unwrap values: TFX keeps in a Struct what ML Metadata has no type for: a dictionary, or any number from Kubeflow."""
    found = {name: getattr(value, kind) for name, value in properties.items() if (kind := value.WhichOneof("value"))}
    for name, value in found.items():
        if isinstance(value, Struct):
            fields = json_format.MessageToDict(value)
            found[name] = fields.get(TFX_VALUE, fields)
    return found
