"""Count rows by their class and the likeliest one, as TFMA's confusion matrix of classes does."""

import numpy as np
from tensorflow_model_analysis.metrics.multi_class_confusion_matrix_metrics import NO_PREDICTED_CLASS_ID, MatrixEntryKey
from tensorflow_model_analysis.metrics.multi_class_confusion_matrix_metrics import (
    _MultiClassConfusionMatrixCombiner as Confusion,
)

from components.columnar.evaluator.rows import CLASSES, NONE, Kinds, Rows


def kinds(combiner: Confusion) -> Kinds:
    """Return the kinds of answers that `confusion` takes: none, if thresholds fall, as TFMA's counts depend on their order."""
    return CLASSES if combiner._thresholds == sorted(combiner._thresholds) else NONE


def confusion(combiner: Confusion, rows: Rows):
    """Return the accumulator: by threshold, the count of rows of each class and its likeliest one that occur together."""
    labels, scores = rows.classes(combiner._key.model_name)
    likeliest, highest, classes = scores.argmax(axis=1), scores.max(axis=1), scores.shape[1]
    accumulator = combiner.create_accumulator()
    for threshold in combiner._thresholds:
        counts = np.zeros((classes, classes + 1))  # the last column, which -1 is too, is of rows below the threshold
        np.add.at(counts, (labels, np.where(highest > threshold, likeliest, -1)), 1)
        accumulator[threshold] = {
            MatrixEntryKey(label, predicted if predicted < classes else NO_PREDICTED_CLASS_ID): float(counts[label, predicted])
            for label, predicted in np.argwhere(counts).tolist()
        }
    return accumulator
