"""Evaluator on columns, where TFX takes row by row."""

from tfx.dsl.components.base import executor_spec

from components.columnar.evaluator import executor
from components.evaluator import component


class Evaluator(component.Evaluator):
    """Evaluate and bless as the component that it extends does, several times faster. Results are equal by value.

    One thing differs. The log loss takes scores within 1e-7 of 0 or 1 for that near: in TFMA's, one of exactly 0 or 1 is NaN.

    Examples are gzipped TFRecords of tf.Example. What `analysis.covers` does not know of TFMA's configuration, what comes with
    a `module_path`, and what has no schema goes TFX's own way, at TFX's speed.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
