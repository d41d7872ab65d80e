"""Publisher: puts a blessed model where a server finds it."""

from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.standard_artifacts import (
    Examples,
    ExampleStatistics,
    InfraBlessing,
    Model,
    ModelBlessing,
    ModelEvaluation,
    PushedModel,
)

from components.publisher.executor import Executor
from components.publisher.model_card import Description
from components.shared.artifacts import DataGateReport, DriftReport
from components.shared.component import Component, spec
from components.shared.drivers import NeverCached


class Publisher(Component):
    """Publishes as TFX's Pusher does, which copies file by file into the folder that the server polls; this one is atomic and
    durable, and adds a manifest and the training statistics that later data are compared with.

    It is never cached: a cached push would claim a version that may be gone, and publishing twice is harmless.

    Args:
        model, model_blessing, evaluation: what to push, whether to, and its metrics for the manifest.
        drift: DriftMonitor's report, which may stop the push.
        examples, statistics: what it was trained on.
        findings: DataChecks' report, for the card.
        infra_blessing: Canary's or TFX's InfraValidator's, whether a server runs the model.
        follows: another Publisher's output: this one pushes only what that one did, now or before, under its number.
        folder: the push destination; versions become `<folder>/<number>`.
        model_name: for the manifest.
        keep: newest versions to keep.
        span: that this run was asked for; on one machine a completed execution marks it as done.
        git_commit, configuration: for the manifest; the configuration as JSON.
        description: what a person says of the model, for its card; None (default): no card, as the phone's model has its own.
        signing_key, public_key: files of the key that signs manifests, and of those that are trusted; None (default): nothing
            is signed.

    Outputs:
        pushed_model: custom properties: `pushed` (1: there is a new version, in production unless a models.config pins another
            one); `version` and `destination` of the version that holds the model, if it was blessed; `in_production`, the
            version in production after the push, if it was blessed; `holds` (1: the version is there; 0: a rollback took the
            model out); `reason`, why nothing new was pushed.
    """

    SPEC_CLASS = spec(
        inputs={
            "model": Model,
            "model_blessing": ModelBlessing,
            "evaluation": ModelEvaluation,
            "drift": DriftReport,
            "examples": Examples,
            "statistics": ExampleStatistics,
            "findings": DataGateReport | None,
            "infra_blessing": InfraBlessing | None,
            "follows": PushedModel | None,
        },
        outputs={"pushed_model": PushedModel},
        parameters={
            "folder": str,
            "model_name": str,
            "keep": int,
            "span": str,
            "git_commit": str,
            "configuration": str,
            "description": Description | None,
            "signing_key": str | None,
            "public_key": str | None,
        },
    )
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    DRIVER_CLASS = NeverCached
