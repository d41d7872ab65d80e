"""DriftMonitor: finds whether the world has changed since the model in production was trained."""

import json
from pathlib import Path

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types.standard_artifacts import Examples, Model, Schema

from components.drift_monitor.data_drift import DataLimits
from components.drift_monitor.executor import Executor
from components.drift_monitor.performance import ModelLimits
from components.shared.artifacts import DriftReport
from components.shared.component import BeamComponent, spec
from components.shared.drivers import CacheKeyDriver
from components.shared.files import sha256
from components.shared.target import Target


class Driver(CacheKeyDriver):
    """Reads again when there are new requests."""

    def outside(self, exec_properties) -> str:
        folder = exec_properties["requests"]
        paths = sorted(path for path in Path(folder).glob("*.tfrecord*") if path.is_file()) if folder else []
        return json.dumps({path.name: sha256(path) for path in paths})


class DriftMonitor(BeamComponent):
    """Compares the newest span with what the model in production was trained on and measured at. TFX's ExampleValidator knows
    only the statistics of its own run, or those of an artifact that a Resolver finds.

    Args:
        examples: SpanExampleGen's; the shards of its newest span are read.
        schema: its `drift_comparator` and `skew_comparator` are a feature's own limits.
        model: ProductionModel's, with the manifest and training statistics that it was published with.
        target: what is predicted.
        data_limits, model_limits: from which value on a difference counts.
        requests: folder of logged requests, TFRecords of tf.Example, to compare with the training data; empty: none.
        retrain_on: kinds of checks that ask for a new model, or "always".
        block_push: kinds, or `kind:feature`, that stop a push.

    Outputs:
        report: what was compared.
    """

    SPEC_CLASS = spec(
        inputs={"examples": Examples, "schema": Schema, "model": Model},
        outputs={"report": DriftReport},
        parameters={
            "target": Target,
            "data_limits": DataLimits,
            "model_limits": ModelLimits,
            "requests": str,
            "retrain_on": list,
            "block_push": list,
        },
    )
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver
