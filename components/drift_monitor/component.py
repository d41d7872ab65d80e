"""DriftMonitor: finds whether the world has changed since the model in production was trained."""

import json
from dataclasses import asdict
from pathlib import Path

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.drift_monitor import executor
from components.drift_monitor.data_drift import DataLimits
from components.drift_monitor.performance import ModelLimits
from components.shared.artifacts import DriftReport
from components.shared.drivers import CacheKeyDriver
from components.shared.files import sha256


class Driver(CacheKeyDriver):
    """Reads again when there are new requests."""

    def outside(self, exec_properties) -> str:
        folder = exec_properties["requests"]
        paths = sorted(path for path in Path(folder).glob("*.tfrecord*") if path.is_file()) if folder else []
        return json.dumps({path.name: sha256(path) for path in paths})


class DriftMonitorSpec(component_spec.ComponentSpec):
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {"report": component_spec.ChannelParameter(type=DriftReport)}
    PARAMETERS = {
        "label": component_spec.ExecutionParameter(type=str),
        "data_limits": component_spec.ExecutionParameter(type=str),
        "model_limits": component_spec.ExecutionParameter(type=str),
        "requests": component_spec.ExecutionParameter(type=str),
        "retrain_on": component_spec.ExecutionParameter(type=str),
        "block_push": component_spec.ExecutionParameter(type=str),
    }


class DriftMonitor(base_beam_component.BaseBeamComponent):
    """Compares the newest span with what the model in production was trained on and measured at. TFX's ExampleValidator knows
    only the statistics of its own run, or those of an artifact that a Resolver finds.

    Outputs:
        report: `DriftReport`.
    """

    SPEC_CLASS = DriftMonitorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        schema: channel.BaseChannel,
        model: channel.BaseChannel,
        label: str,
        data_limits: DataLimits,
        model_limits: ModelLimits,
        requests: str,
        retrain_on: list[str],
        block_push: list[str],
    ):
        """Args:
        examples: SpanExampleGen's; the shards of its newest span are read.
        schema: its `drift_comparator` and `skew_comparator` are a feature's own limits.
        model: ProductionModel's, with the manifest and training statistics that it was published with.
        label: the feature that is predicted, 0 or 1.
        data_limits, model_limits: from which value on a difference counts.
        requests: folder of logged requests, TFRecords of tf.Example, to compare with the training data; empty: none.
        retrain_on: kinds of checks that ask for a new model, or "always".
        block_push: kinds, or `kind:feature`, that stop a push.
        """
        super().__init__(
            DriftMonitorSpec(
                examples=examples,
                schema=schema,
                model=model,
                label=label,
                data_limits=json.dumps(asdict(data_limits)),
                model_limits=json.dumps(asdict(model_limits)),
                requests=requests,
                retrain_on=json.dumps(retrain_on),
                block_push=json.dumps(block_push),
                report=channel.Channel(type=DriftReport),
            )
        )
