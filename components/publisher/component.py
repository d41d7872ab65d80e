"""Publisher: puts a blessed model where a server finds it."""

import uuid

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import channel, component_spec, standard_artifacts

from components.publisher import executor
from components.publisher.model_card import Description
from components.shared.artifacts import DataGateReport, DriftReport
from components.shared.drivers import CacheKeyDriver


class Driver(CacheKeyDriver):
    """Makes each launch unique: a cached push would claim a version that may be gone. Publishing twice is harmless."""

    def outside(self, exec_properties) -> str:
        return uuid.uuid4().hex


class PublisherSpec(component_spec.ComponentSpec):
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "drift": component_spec.ChannelParameter(type=DriftReport),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "findings": component_spec.ChannelParameter(type=DataGateReport, optional=True),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
        "follows": component_spec.ChannelParameter(type=standard_artifacts.PushedModel, optional=True),
    }
    OUTPUTS = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}
    PARAMETERS = {
        "folder": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "keep": component_spec.ExecutionParameter(type=int),
        "span": component_spec.ExecutionParameter(type=str),
        "git_commit": component_spec.ExecutionParameter(type=str),
        "configuration": component_spec.ExecutionParameter(type=str),
        "description": component_spec.ExecutionParameter(type=str, optional=True),
        "signing_key": component_spec.ExecutionParameter(type=str, optional=True),
        "public_key": component_spec.ExecutionParameter(type=str, optional=True),
    }


class Publisher(base_component.BaseComponent):
    """Publishes as TFX's Pusher does, which copies file by file into the folder that the server polls; this one is atomic and
    durable, and adds a manifest and the training statistics that later data are compared with.

    Outputs:
        pushed_model: `PushedModel`. Custom properties: `pushed` (1: there is a new version, in production unless a
            models.config pins another one); `version` and `destination` of the version that holds the model, if it was
            blessed; `in_production`, the version in production after the push, if it was blessed; `holds` (1: the version is
            there; 0: a rollback took the model out); `reason`, why nothing new was pushed.
    """

    SPEC_CLASS = PublisherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        model: channel.BaseChannel,
        model_blessing: channel.BaseChannel,
        evaluation: channel.BaseChannel,
        drift: channel.BaseChannel,
        examples: channel.BaseChannel,
        statistics: channel.BaseChannel,
        folder: str,
        model_name: str,
        keep: int,
        span: str | RuntimeParameter,
        git_commit: str,
        configuration: str,
        description: Description | None = None,
        signing_key: str | None = None,
        public_key: str | None = None,
        findings: channel.BaseChannel | None = None,
        infra_blessing: channel.BaseChannel | None = None,
        follows: channel.BaseChannel | None = None,
    ):
        """Args:
        model, model_blessing, evaluation: what to push, whether to, and its metrics for the manifest.
        drift: DriftMonitor's report, which may stop the push.
        examples, statistics: what it was trained on.
        folder: the push destination; versions become `<folder>/<number>`.
        model_name: for the manifest.
        keep: newest versions to keep.
        span: that this run was asked for; on one machine a completed execution marks it as done.
        git_commit, configuration: for the manifest; the configuration as JSON.
        description: what a person says of the model, for its card; None (default): no card, as the phone's model has its own.
        signing_key, public_key: files of the key that signs manifests, and of those that are trusted; None: nothing is signed.
        findings: DataChecks' report, for the card.
        infra_blessing: Canary's or TFX's InfraValidator's, whether a server runs the model.
        follows: another Publisher's output: this one pushes only what that one did, now or before, under its number.
        """
        super().__init__(
            PublisherSpec(
                model=model,
                model_blessing=model_blessing,
                evaluation=evaluation,
                drift=drift,
                examples=examples,
                statistics=statistics,
                folder=folder,
                model_name=model_name,
                keep=keep,
                span=span,
                git_commit=git_commit,
                configuration=configuration,
                description=description.model_dump_json() if description else None,
                signing_key=signing_key,
                public_key=public_key,
                findings=findings,
                infra_blessing=infra_blessing,
                follows=follows,
                pushed_model=channel.Channel(type=standard_artifacts.PushedModel),
            )
        )
