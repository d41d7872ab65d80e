"""Evaluator: TFX's, with a baseline that may be absent."""

from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec

from components.production_model.executor import VERSION_PROPERTY


class Executor(executor.Executor):
    """Leaves out the baseline when nothing is in production; TFMA then ignores the change thresholds."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        baseline = [model for model in input_dict["baseline_model"] if model.get_int_custom_property(VERSION_PROPERTY)]
        super().Do({**input_dict, "baseline_model": baseline}, output_dict, exec_properties)


class Evaluator(component.Evaluator):
    """TFX's Evaluator; `baseline_model` is ProductionModel's output."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
