"""Names of a model's metrics in evaluations and in manifests: TFMA's own. Imports nothing."""

OVERALL = "overall"  # in place of a slice: over all rows
AUC, LOG_LOSS, CALIBRATION, ROWS = "auc", "binary_crossentropy", "calibration", "example_count"
AUC_PR, POSITIVES = "auc_precision_recall", "mean_label"
