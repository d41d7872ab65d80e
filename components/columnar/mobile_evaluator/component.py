"""MobileEvaluator on columns."""

from tfx.dsl.components.base import executor_spec

from components.columnar.mobile_evaluator.executor import Executor
from components.mobile_evaluator import component


class MobileEvaluator(component.MobileEvaluator):
    """Judges the phone's file as the component that it extends does, with the Evaluator's analysis on columns."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
