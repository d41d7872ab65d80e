"""RunReport: a page that says what a run did, whatever came of it."""

import uuid
from collections.abc import Mapping

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.experimental.node_execution_options.utils import NodeExecutionOptions
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact, channel, component_spec, standard_artifacts

from components.run_report import executor
from components.run_report.collect import Settings
from components.run_report.trace import THIS_NODE
from components.shared.artifacts import DataBlessing, DataGateReport, DriftReport
from components.shared.drivers import CacheKeyDriver


class RunPage(artifact.Artifact):
    """A folder with `index.html` and `facts.json`."""

    TYPE_NAME = "crosswind.RunPage"


class Driver(CacheKeyDriver):
    """Each run has a page of its own."""

    def outside(self, exec_properties) -> str:
        return uuid.uuid4().hex


def _optional(kind) -> component_spec.ChannelParameter:
    return component_spec.ChannelParameter(type=kind, optional=True)


class RunReportSpec(component_spec.ComponentSpec):
    INPUTS = {
        "schema": _optional(standard_artifacts.Schema),
        "production": _optional(standard_artifacts.Model),
        "examples": _optional(standard_artifacts.Examples),
        "statistics": _optional(standard_artifacts.ExampleStatistics),
        "anomalies": _optional(standard_artifacts.ExampleAnomalies),
        "findings": _optional(DataGateReport),
        "data_blessing": _optional(DataBlessing),
        "drift": _optional(DriftReport),
        "transform_graph": _optional(standard_artifacts.TransformGraph),
        "model": _optional(standard_artifacts.Model),
        "model_run": _optional(standard_artifacts.ModelRun),
        "evaluation": _optional(standard_artifacts.ModelEvaluation),
        "blessing": _optional(standard_artifacts.ModelBlessing),
        "infra_blessing": _optional(standard_artifacts.InfraBlessing),
        "mobile_model": _optional(standard_artifacts.Model),
        "mobile_evaluation": _optional(standard_artifacts.ModelEvaluation),
        "mobile_blessing": _optional(standard_artifacts.ModelBlessing),
        "pushed_model": _optional(standard_artifacts.PushedModel),
        "mobile_pushed_model": _optional(standard_artifacts.PushedModel),
    }
    OUTPUTS = {"page": component_spec.ChannelParameter(type=RunPage)}
    PARAMETERS = {
        "settings": component_spec.ExecutionParameter(type=str),
        "sources": component_spec.ExecutionParameter(type=str),
        "reports": component_spec.ExecutionParameter(type=str),
        "metadata": component_spec.ExecutionParameter(type=str),
    }


class RunReport(base_component.BaseComponent):
    """Writes `<reports>/<run>/index.html` and renews the history of all runs beside it.

    Its inputs are optional, and its trigger says that it runs when the others have ended, well or not. So it tells of a run
    that a gate has stopped, where the orchestrator heeds the trigger, as `pipeline.local.local_dag` does.

    Outputs:
        page: `RunPage`, the same page.
    """

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(self, *, inputs: Mapping[str, channel.OutputChannel], settings: Settings, reports: str, metadata: str):
        """Args:
        inputs: outputs of the run's nodes, by the names in `RunReportSpec`.
        settings: what the page needs to know beside them.
        reports: folder of all pages.
        metadata: SQLite file of ML Metadata, whose lineage and times the page shows; empty: there is none to read.
        """
        dag = settings.dag | {THIS_NODE: sorted(settings.dag)}
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
