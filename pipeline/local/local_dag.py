"""Run a DAG with TFX's LocalDagRunner, under a name of ours, node by node; its closing nodes run whatever the others did."""

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

from components.shared import source_code, steps, trace
from pipeline.local.progress import Began, Ended, HowEnded, Tell

CLOSING = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED


def run(
    pipeline: Pipeline,
    name: str,
    up_to: str | None = None,
    mask: Callable[[str], str] = str,
    tell: Tell = lambda _: None,
) -> None:
    """Run every node in turn; after one that fails only the closing nodes run.

    LocalDagRunner ignores trigger strategies, so it is known here which nodes are closing ones.

    Args:
        pipeline: the DAG, with an SQLite file for its metadata.
        name: of the run in ML Metadata, which also keeps why a node failed.
        up_to: the last node to run; None: all.
        mask: removes from a message what must not be kept.
        tell: called with each event of a node.

    Raises:
        Whatever a node raised, except a closing one: it only reports what is decided already.
    """
    dag, failure = _compiled(pipeline, name, up_to), None
    gc.collect()
    gc.freeze()  # objects of the imports stay: TensorFlow Lite's converter alone would walk them in each conversion
    try:
        in_turn(dag, pipeline.metadata_connection_config, tell, closing=False)
    except (Exception, SystemExit) as error:
        failure = error
        note_failure(pipeline.metadata_connection_config, name, mask(f"{type(error).__name__}: {error}"))
    _run_closing(dag, pipeline.metadata_connection_config, name, mask, tell)
    if failure:
        raise failure


def close(
    pipeline: Pipeline,
    name: str,
    message: str,
    *,
    up_to: str | None = None,
    mask: Callable[[str], str] = str,
    tell: Tell = lambda _: None,
) -> None:
    """Do what `run` does after a failure, for a run whose process was ended: note why, and run the closing nodes."""
    note_failure(pipeline.metadata_connection_config, name, message)
    _run_closing(_compiled(pipeline, name, up_to), pipeline.metadata_connection_config, name, mask, tell)


def in_turn(dag: pipeline_pb2.Pipeline, metadata: mlmd.ConnectionConfig, tell: Tell, *, closing: bool | None = None) -> None:
    """Run nodes one after the other, each as a DAG of its own: LocalDagRunner offers no callback.

    Args:
        dag: compiled.
        metadata: where its runs are kept.
        tell: called when a node begins, makes progress or ends.
        closing: whether to run the closing nodes, which count as the last, or the others; None (default): both.

    Raises:
        Whatever a node raised.
    """
    store = metadata_store.MetadataStore(metadata)
    to_run = [node for node in dag.nodes if not node.pipeline_node.execution_options.HasField("skip")]
    for number, node in enumerate(sorted(to_run, key=_is_closing), 1):
        if closing not in (None, _is_closing(node)):
            continue
        alone = pipeline_pb2.Pipeline()
        alone.CopyFrom(dag)
        del alone.nodes[:]
        alone.nodes.append(node)
        tell(Began(node.pipeline_node.node_info.id, number, len(to_run)))
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
    """Tell how a node ended, by the newest execution before and after it: one that a condition skips leaves none."""
    if after is None or (before and before.id == after.id):
        return "skipped"
    found: dict[int, HowEnded] = {mlmd.Execution.CACHED: "cached", mlmd.Execution.COMPLETE: "done"}
    return found.get(after.last_known_state, "failed")  # TFX raises nothing for inputs that it cannot find


def _compiled(pipeline: Pipeline, name: str, up_to: str | None) -> pipeline_pb2.Pipeline:
    for node in pipeline.components:  # before the first one runs: an edit made meanwhile is not what runs
        source_code.at_start(node.type)
    compiled = Compiler().compile(pipeline)
    substitute_runtime_parameter(compiled, {PIPELINE_RUN_ID_PARAMETER_NAME: name})
    if up_to:
        partial_run_utils.mark_pipeline(compiled, to_nodes=[up_to])
    return compiled


def _run_closing(
    dag: pipeline_pb2.Pipeline, metadata: mlmd.ConnectionConfig, name: str, mask: Callable[[str], str], tell: Tell
) -> None:
    try:
        in_turn(dag, metadata, tell, closing=True)
    except (Exception, SystemExit) as error:
        logging.getLogger("absl").exception("A closing node failed.")
        note_failure(metadata, name, mask(f"{type(error).__name__}: {error}"))


def _is_closing(node: pipeline_pb2.Pipeline.PipelineOrNode) -> bool:
    return node.pipeline_node.execution_options.strategy == CLOSING


def note_failure(metadata: mlmd.ConnectionConfig, run: str, message: str) -> None:
    """Mark the node that failed, and why: TFX keeps no message, and a node that failed before its executor stays "running".

    What was noted before stays: a closing node may fail after another one.
    """
    store = metadata_store.MetadataStore(metadata)
    context = store.get_context_by_type_and_name(trace.RUN, run)
    for execution in store.get_executions_by_context(context.id) if context else []:
        unsaid = trace.MESSAGE not in execution.custom_properties
        if unsaid and execution.last_known_state in (mlmd.Execution.FAILED, mlmd.Execution.RUNNING):
            execution.last_known_state = mlmd.Execution.FAILED
            execution.custom_properties[trace.MESSAGE].string_value = message
            store.put_executions([execution])
