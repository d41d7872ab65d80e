"""Names of a model's metrics in evaluations and in manifests: TFMA's own, but for two. Imports nothing."""

OVERALL = "overall"  # in place of a slice: over all rows
AUC, LOG_LOSS, CALIBRATION, ROWS = "auc", "binary_crossentropy", "calibration", "example_count"
AUC_PR, POSITIVES = "auc_precision_recall", "mean_label"
ACCURACY, CLASS_LOG_LOSS = "sparse_categorical_accuracy", "sparse_categorical_crossentropy"
RMSE, MAE, CORRELATION = "root_mean_squared_error", "mean_absolute_error", "squared_pearson_correlation"
MEAN_PREDICTION, MEAN_LABEL = "mean_prediction", POSITIVES
ERROR_LOW, ERROR_HIGH = "error_low", "error_high"  # ours: ErrorQuantiles
