"""What the Evaluator computes, and when it blesses a candidate."""

import json
import sys

from tensorflow_model_analysis.proto import config_pb2

from components.shared.target import TRANSFORM_LABELS, Target
from components.shared.tfma_results import BASELINE, CANDIDATE
from pipeline.shared.sections import Evaluate


def eval_config(settings: Evaluate, target: Target) -> config_pb2.EvalConfig:
    """Make TFMA's configuration: the task's metrics over all rows and by slice, and two thresholds on the one that decides."""
    task = target.task
    names = [*task.plain.values(), *(each.tfma for each in task.metrics)]
    metrics = {name: _metric(name) for name in names}
    # The thresholds hold for the overall slice only: the metric of a slice of a dozen rows is noise.
    overall = metrics[task.decides.tfma].per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()]).threshold
    limit, change = getattr(settings, task.limit), getattr(settings, task.change)
    if task.decides.better == "higher":
        overall.value_threshold.lower_bound.value = limit
        overall.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        overall.change_threshold.absolute.value = -change
    else:
        overall.value_threshold.upper_bound.value = limit or sys.float_info.max  # without any, TFMA blesses no first model
        overall.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        overall.change_threshold.relative.value = change
    models = [
        config_pb2.ModelSpec(
            name=name,
            signature_name="serving_default",
            label_key=target.label,
            model_type="tf_generic",
            preprocessing_function_names=[TRANSFORM_LABELS] if target.classes else [],
        )
        for name in (CANDIDATE, BASELINE)
    ]
    models[1].is_baseline = True
    plots = [
        config_pb2.MetricConfig(class_name=name, config=json.dumps(stated)) for name, stated in [*filter(None, [task.plot])]
    ]
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=[config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[name]) for name in settings.slices)],
        metrics_specs=[config_pb2.MetricsSpec(metrics=[*metrics.values(), *plots])],
    )


def _metric(name: str) -> config_pb2.MetricConfig:
    """Name a metric's class, of TFMA's or Keras', or with its module."""
    module, _, of_class = name.rpartition(".")
    return config_pb2.MetricConfig(class_name=of_class, module=module)
