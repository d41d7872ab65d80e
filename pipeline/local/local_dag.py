"""Runs a DAG by TFX's LocalDagRunner: under a name of ours, node by node, and its closing nodes whatever came of the others."""

import gc
import logging
from collections.abc import Callable

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import partial_run_utils
from tfx.orchestration.portable.runtime_parameter_utils import substitute_runtime_parameter
from tfx.proto.orchestration import pipeline_pb2

from components.run_report import trace
from components.shared import source_code, steps
from pipeline.local.progress import Began, Ended, HowEnded, Tell

CLOSING = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED


def run(
    pipeline: Pipeline,
    name: str,
    up_to: str | None = None,
    mask: Callable[[str], str] = str,
    tell: Tell = lambda _: None,
) -> None:
    """Runs every node in turn; a node that fails ends the run but for the closing nodes.

    LocalDagRunner heeds no trigger strategy, so the closing nodes are given to it as a DAG of their own, of the same run.

    Args:
        pipeline: the DAG, with an SQLite file for its metadata.
        name: of the run in ML Metadata, where it is also kept why a node failed.
        up_to: the last node to run; None: all.
        mask: takes out of a message what must not be kept.
        tell: is told of each node.

    Raises:
        Whatever a node raised, unless it was a closing one: what it tells of is decided already.
    """
    nodes, closing = _compiled(pipeline, name, up_to)
    gc.collect()
    gc.freeze()  # what the imports made stays: TensorFlow Lite's converter alone would go through it in each conversion
    try:
        in_turn(nodes, pipeline.metadata_connection_config, tell, of=len(_to_run(nodes)) + len(_to_run(closing)))
    except (Exception, SystemExit) as error:
        note_failure(pipeline.metadata_connection_config, name, mask(f"{type(error).__name__}: {error}"))
        _run_closing(nodes, closing, pipeline.metadata_connection_config, tell)
        raise
    _run_closing(nodes, closing, pipeline.metadata_connection_config, tell)


def close(pipeline: Pipeline, name: str, message: str, up_to: str | None = None, tell: Tell = lambda _: None) -> None:
    """What `run` does behind a failure, for a run whose process was ended: notes why, and runs the closing nodes.

    Args:
        pipeline, name, up_to, tell: as of `run`.
        message: why it was ended.
    """
    note_failure(pipeline.metadata_connection_config, name, message)
    _run_closing(*_compiled(pipeline, name, up_to), pipeline.metadata_connection_config, tell)


def in_turn(
    nodes: pipeline_pb2.Pipeline, metadata: mlmd.ConnectionConfig, tell: Tell, *, before: int = 0, of: int | None = None
) -> None:
    """Runs nodes one after the other, each as a DAG of its own: LocalDagRunner offers no callback.

    Args:
        nodes: the compiled DAG.
        metadata: where its runs are kept.
        tell: is told when each node begins, gets on and ends.
        before: how many nodes have run before these.
        of: how many there are in all; None: these.

    Raises:
        Whatever a node raised.
    """
    store = metadata_store.MetadataStore(metadata)
    chosen = _to_run(nodes)
    for number, node in enumerate(chosen, before + 1):
        alone = pipeline_pb2.Pipeline()
        alone.CopyFrom(nodes)
        del alone.nodes[:]
        alone.nodes.append(node)
        tell(Began(node.pipeline_node.node_info.id, number, of or len(chosen)))
        newest = _newest(store)
        try:
            with steps.heard(tell):
                LocalDagRunner().run_with_ir(alone)
        except BaseException:
            tell(Ended("failed"))
            raise
        tell(Ended(_state(newest, _newest(store))))


def _newest(store: metadata_store.MetadataStore) -> mlmd.Execution | None:
    newest = metadata_store.ListOptions(limit=1, order_by=metadata_store.OrderByField.ID, is_asc=False)
    return next(iter(store.get_executions(newest)), None)


def _state(before: mlmd.Execution | None, after: mlmd.Execution | None) -> HowEnded:
    """How a node ended, by the newest execution before it and after it: one that a condition leaves out has none."""
    if after is None or (before and before.id == after.id):
        return "skipped"
    found: dict[int, HowEnded] = {mlmd.Execution.CACHED: "cached", mlmd.Execution.COMPLETE: "done"}
    return found.get(after.last_known_state, "failed")  # TFX raises nothing for inputs that it cannot find


def _to_run(nodes: pipeline_pb2.Pipeline) -> list[pipeline_pb2.Pipeline.PipelineOrNode]:
    return [node for node in nodes.nodes if not node.pipeline_node.execution_options.HasField("skip")]


def _compiled(pipeline: Pipeline, name: str, up_to: str | None) -> tuple[pipeline_pb2.Pipeline, pipeline_pb2.Pipeline]:
    """The nodes, and the closing ones."""
    for node in pipeline.components:  # before the first one runs: what is edited while they do is not what runs
        source_code.at_start(node.type)
    compiled = Compiler().compile(pipeline)
    substitute_runtime_parameter(compiled, {PIPELINE_RUN_ID_PARAMETER_NAME: name})
    if up_to:
        partial_run_utils.mark_pipeline(compiled, to_nodes=[up_to])
    parts = pipeline_pb2.Pipeline(), pipeline_pb2.Pipeline()
    for closing, part in enumerate(parts):
        part.CopyFrom(compiled)
        del part.nodes[:]
        part.nodes.extend(node for node in compiled.nodes if _is_closing(node) == bool(closing))
    return parts


def _run_closing(
    nodes: pipeline_pb2.Pipeline, closing: pipeline_pb2.Pipeline, metadata: mlmd.ConnectionConfig, tell: Tell
) -> None:
    before = len(_to_run(nodes))
    try:
        in_turn(closing, metadata, tell, before=before, of=before + len(_to_run(closing)))
    except Exception:
        logging.getLogger("absl").exception("A closing node failed.")


def _is_closing(node: pipeline_pb2.Pipeline.PipelineOrNode) -> bool:
    return node.pipeline_node.execution_options.strategy == CLOSING


def note_failure(metadata: mlmd.ConnectionConfig, run: str, message: str) -> None:
    """Marks the node that failed, with why: TFX keeps no message, and leaves one running that failed before its executor."""
    store = metadata_store.MetadataStore(metadata)
    context = store.get_context_by_type_and_name(trace.RUN, run)
    executions = store.get_executions_by_context(context.id) if context else []
    unfinished = (mlmd.Execution.FAILED, mlmd.Execution.RUNNING)
    for execution in [each for each in executions if each.last_known_state in unfinished]:
        execution.last_known_state = mlmd.Execution.FAILED
        execution.custom_properties[trace.MESSAGE].string_value = message
        store.put_executions([execution])
