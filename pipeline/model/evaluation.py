"""What the Evaluator computes, and when it blesses a candidate."""

import json

from tensorflow_model_analysis.proto import config_pb2

from components.shared.tfma_results import BASELINE, CANDIDATE
from pipeline.shared.sections import Evaluate

METRICS = ["ExampleCount", "AUC", "AUCPrecisionRecall", "Calibration", "BinaryCrossEntropy", "MeanLabel"]
SCORE_BUCKETS = 20  # of the published histogram, which later scores are compared with


def eval_config(settings: Evaluate, label: str) -> config_pb2.EvalConfig:
    """Make TFMA's configuration: the metrics over all rows and by slice, and the two thresholds on the overall AUC."""
    metrics = [config_pb2.MetricConfig(class_name=name) for name in METRICS]
    metrics.append(config_pb2.MetricConfig(class_name="CalibrationPlot", config=json.dumps({"num_buckets": SCORE_BUCKETS})))
    # The thresholds hold for the overall slice only: the AUC of a slice of a dozen rows is noise.
    overall = metrics[METRICS.index("AUC")].per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()]).threshold
    overall.value_threshold.lower_bound.value = settings.min_auc
    overall.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
    overall.change_threshold.absolute.value = -settings.max_auc_drop
    models = [
        config_pb2.ModelSpec(name=name, signature_name="serving_default", label_key=label, model_type="tf_generic")
        for name in (CANDIDATE, BASELINE)
    ]
    models[1].is_baseline = True
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=[config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[name]) for name in settings.slices)],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )
