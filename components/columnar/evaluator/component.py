"""Evaluator: TFX's, with a baseline that may be absent, and whole columns where TFX takes row by row."""

from tfx.components.evaluator import component
from tfx.dsl.components.base import executor_spec

from components.columnar.evaluator import executor


class Evaluator(component.Evaluator):
    """TFX's Evaluator; `baseline_model` is ProductionModel's output. What it writes is equal to what TFX's writes, by value,
    but for two things. The log loss takes scores within 1e-7 of 0 or 1 for that near: in TFMA's, one of exactly 0 or 1 is NaN.
    And a candidate whose AUC, log loss or calibration over all rows is not finite is not blessed.

    Examples are gzipped TFRecords of tf.Example. What `analysis.covers` does not know of TFMA's configuration, what comes with
    a `module_path`, and what has no schema goes TFX's own way, at TFX's speed.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
