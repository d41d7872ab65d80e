"""Evaluator: TFX's, with a baseline that may be missing."""

from tfx.components.evaluator import component
from tfx.dsl.components.base import executor_spec

from components.evaluator import executor


class Evaluator(component.Evaluator):
    """Evaluates a candidate beside the model in production, as TFX's Evaluator does, and blesses it or not.

    Two things are added. `baseline_model` is ProductionModel's output, whose folder is empty while nothing is in production:
    only the thresholds of the candidate's own values count then. And a candidate whose AUC, log loss or calibration over all
    rows is not finite is not blessed, whatever the thresholds say.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
