"""Evaluator on columns, where TFX works row by row."""

from tfx.dsl.components.base import executor_spec

from components.columnar.evaluator import executor
from components.evaluator import component


class Evaluator(component.Evaluator):
    """Evaluates and blesses as the component that it extends does, several times faster. Results are equal by value.

    One thing differs. The log loss replaces scores within 1e-7 of 0 or 1 by that limit: in TFMA's, exactly 0 or 1 gives NaN.

    Examples are gzipped TFRecords of tf.Example. Where `analysis.covers` refuses TFMA's configuration, and with a `module_path`
    or without a schema, TFX's own code runs, at TFX's speed.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
