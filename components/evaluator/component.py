"""Evaluator: TFX's, with a baseline that may be absent."""

from tfx.components.evaluator import component
from tfx.dsl.components.base import executor_spec

from components.evaluator import executor


class Evaluator(component.Evaluator):
    """Evaluate a candidate beside the model in production, as TFX's Evaluator does, and bless it or not.

    Two things are added. `baseline_model` is ProductionModel's output, whose folder is empty while nothing is in production:
    the candidate is then held to the thresholds of its own values alone. And a candidate whose AUC, log loss or calibration
    over all rows is not finite is not blessed, whatever the thresholds say.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
