"""RunReport: a page that says what a run did, however it ended."""

import uuid
from collections.abc import Mapping

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.experimental.node_execution_options.utils import NodeExecutionOptions
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact, channel, component_spec, standard_artifacts

from components.run_report import executor
from components.run_report.collect import Settings
from components.shared.artifacts import DataBlessing, DataGateReport, DriftReport
from components.shared.drivers import CacheKeyDriver
from components.shared.nodes import REPORTED, NodeId, Output


class RunPage(artifact.Artifact):
    """A folder with `index.html` and `facts.json`."""

    TYPE_NAME = "crosswind.RunPage"


class Driver(CacheKeyDriver):
    """Gives each run a page of its own."""

    def outside(self, exec_properties) -> str:
        return uuid.uuid4().hex


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


class RunReportSpec(component_spec.ComponentSpec):
    INPUTS = {name: component_spec.ChannelParameter(type=TYPES[output], optional=True) for name, output in REPORTED.items()}
    OUTPUTS = {Output.PAGE.key: component_spec.ChannelParameter(type=RunPage)}
    PARAMETERS = {name: component_spec.ExecutionParameter(type=str) for name in ("settings", "sources", "reports", "metadata")}


class RunReport(base_component.BaseComponent):
    """Writes `<reports>/<run>/index.html`, also as its output `page`, and renews the history of all runs beside it.

    Its inputs are optional, and its trigger lets it run when the others have ended, well or not. So it also reports a run that
    a gate stopped, if the orchestrator follows the trigger, as `pipeline.local.local_dag` does.
    """

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(self, *, inputs: Mapping[str, channel.OutputChannel], settings: Settings, reports: str, metadata: str):
        """Args:
        inputs: outputs of the run's nodes, by the names in `REPORTED`.
        settings: what the page needs to know beside them.
        reports: folder of all pages.
        metadata: SQLite file of ML Metadata, whose lineage and times the page shows; empty: there is none to read.
        """
        dag = settings.dag | {NodeId.RUN_REPORT.value: sorted(settings.dag)}
        sources = {name: (found.producer_component_id, found.output_key) for name, found in inputs.items()}
        super().__init__(
            RunReportSpec(
                **inputs,
                settings=settings.model_copy(update={"dag": dag}).model_dump_json(),
                sources=executor.SOURCES.dump_json(sources).decode(),
                reports=reports,
                metadata=metadata,
                page=channel.Channel(type=RunPage),
            )
        )
        strategy = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED
        self.node_execution_options = NodeExecutionOptions(trigger_strategy=strategy)
