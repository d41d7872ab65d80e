"""MobileEvaluator's executor on columns."""

import apache_beam as beam

from tensorflow_model_analysis.proto import config_pb2  # isort: skip  # after tfx

from components.columnar.evaluator import analysis, configured
from components.mobile_evaluator import executor


class Executor(executor.Executor):
    def analysis(self, config: config_pb2.EvalConfig, folder: str, locations: dict[str, str]) -> beam.PTransform:
        """Make the step on columns, as the method that this overrides, which does what `configured.covers` refuses."""
        if configured.covers(config):
            return analysis.Analyse(config, folder, locations)
        return super().analysis(config, folder, locations)
