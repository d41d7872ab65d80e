"""Evaluator on columns, where TFX works row by row."""

from tfx.dsl.components.base import executor_spec

from components.columnar.evaluator import executor
from components.evaluator import component


class Evaluator(component.Evaluator):
    """Evaluates and blesses as the component that it extends does, several times faster. Results are equal by value.

    Three things differ. The log loss of a binary label replaces scores within 1e-7 of 0 or 1 by that limit: in TFMA's, exactly
    0 or 1 gives NaN. That loss, and the mean absolute error, count each row once: TFMA's, of several files, count some twice.
    The squared correlation of numbers far from 0, like 1,000,000 ± 1, is right to six digits: in TFMA's none may be, or it is
    NaN.

    Examples are gzipped TFRecords of tf.Example. The metrics of all tasks are computed on columns. Where `configured.covers`
    refuses TFMA's configuration, and with a `module_path` or without a schema, TFX's own code runs, at TFX's speed.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
