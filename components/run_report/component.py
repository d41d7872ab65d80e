"""RunReport: a page that says what a run did, however it ended."""

from collections.abc import Mapping

from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.experimental.node_execution_options.utils import NodeExecutionOptions
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact, standard_artifacts
from tfx.types.channel import OutputChannel

from components.run_report import executor
from components.run_report.collect import Settings
from components.shared.artifacts import DataBlessing, DataGateReport, DriftReport
from components.shared.component import Component, spec
from components.shared.drivers import NeverCached
from components.shared.nodes import REPORTED, NodeId, Output


class RunPage(artifact.Artifact):
    """A folder with `index.html` and `facts.json`."""

    TYPE_NAME = "crosswind.RunPage"


TYPES = {
    Output.SCHEMA: standard_artifacts.Schema,
    Output.PRODUCTION: standard_artifacts.Model,
    Output.EXAMPLES: standard_artifacts.Examples,
    Output.STATISTICS: standard_artifacts.ExampleStatistics,
    Output.ANOMALIES: standard_artifacts.ExampleAnomalies,
    Output.FINDINGS: DataGateReport,
    Output.DATA_BLESSING: DataBlessing,
    Output.DRIFT: DriftReport,
    Output.TRANSFORM_GRAPH: standard_artifacts.TransformGraph,
    Output.MODEL: standard_artifacts.Model,
    Output.MODEL_RUN: standard_artifacts.ModelRun,
    Output.EVALUATION: standard_artifacts.ModelEvaluation,
    Output.BLESSING: standard_artifacts.ModelBlessing,
    Output.INFRA_BLESSING: standard_artifacts.InfraBlessing,
    Output.MOBILE_MODEL: standard_artifacts.Model,
    Output.MOBILE_EVALUATION: standard_artifacts.ModelEvaluation,
    Output.MOBILE_BLESSING: standard_artifacts.ModelBlessing,
    Output.PUSHED_MODEL: standard_artifacts.PushedModel,
    Output.MOBILE_PUSHED_MODEL: standard_artifacts.PushedModel,
}


class RunReport(Component):
    """Writes `<reports>/<run>/index.html` and renews the history of all runs beside it.

    Its inputs are optional, and its trigger lets it run when the others have ended, well or not. So it also reports a run that
    a gate stopped, if the orchestrator follows the trigger, as `pipeline.local.local_dag` does. It is never cached: each run
    has a page of its own.

    Args:
        inputs: outputs of the run's nodes, by the names in `REPORTED`.
        settings: what the page needs to know beside them.
        reports: folder of all pages.
        metadata: SQLite file of ML Metadata, whose lineage and times the page shows; empty: there is none to read.

    Outputs:
        page: the same page.
    """

    SPEC_CLASS = spec(
        inputs={name: TYPES[output] | None for name, output in REPORTED.items()},
        outputs={Output.PAGE.key: RunPage},
        parameters={"settings": Settings, "sources": str, "reports": str, "metadata": str},
    )
    EXECUTOR_SPEC = ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = NeverCached

    def __init__(self, *, inputs: Mapping[str, OutputChannel], settings: Settings, reports: str, metadata: str):
        dag = settings.dag | {NodeId.RUN_REPORT.value: sorted(settings.dag)}
        sources = {name: (found.producer_component_id, found.output_key) for name, found in inputs.items()}
        super().__init__(
            **inputs,
            settings=settings.model_copy(update={"dag": dag}),
            sources=executor.SOURCES.dump_json(sources).decode(),
            reports=reports,
            metadata=metadata,
        )
        strategy = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED
        self.node_execution_options = NodeExecutionOptions(trigger_strategy=strategy)
