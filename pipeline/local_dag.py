"""Runs a DAG by TFX's LocalDagRunner: under a name of ours, and its closing nodes even when another node has failed."""

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

CLOSING = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED


def run(pipeline: Pipeline, name: str, up_to: str | None = None, mask: Callable[[str], str] = str) -> None:
    """Runs every node in turn; a node that fails ends the run but for the closing nodes.

    LocalDagRunner heeds no trigger strategy, so the closing nodes are given to it as a DAG of their own, of the same run.

    Args:
        pipeline: the DAG, with an SQLite file for its metadata.
        name: of the run in ML Metadata, where it is also kept why a node failed.
        up_to: the last node to run; None: all.
        mask: takes out of a message what must not be kept.

    Raises:
        Whatever a node raised, unless it was a closing one: what it tells of is decided already.
    """
    nodes, closing = _compiled(pipeline, name, up_to)
    gc.collect()
    gc.freeze()  # what the imports made stays: TensorFlow Lite's converter alone would go through it in each conversion
    try:
        LocalDagRunner().run_with_ir(nodes)
    except (Exception, SystemExit) as error:
        note_failure(pipeline.metadata_connection_config, name, mask(f"{type(error).__name__}: {error}"))
        _run_closing(closing)
        raise
    _run_closing(closing)


def close(pipeline: Pipeline, name: str, message: str, up_to: str | None = None) -> None:
    """What `run` does behind a failure, for a run whose process was ended: notes why, and runs the closing nodes.

    Args:
        pipeline, name, up_to: as of `run`.
        message: why it was ended.
    """
    note_failure(pipeline.metadata_connection_config, name, message)
    _, closing = _compiled(pipeline, name, up_to)
    _run_closing(closing)


def _compiled(pipeline: Pipeline, name: str, up_to: str | None) -> tuple[pipeline_pb2.Pipeline, pipeline_pb2.Pipeline]:
    """The nodes, and the closing ones."""
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


def _run_closing(closing: pipeline_pb2.Pipeline) -> None:
    try:
        LocalDagRunner().run_with_ir(closing)
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
