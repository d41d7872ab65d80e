"""What is computed on columns against TFMA's own functions."""

import numpy as np
import pytest
import tfx  # noqa: F401  # before what else is TFX's

import tensorflow_model_analysis as tfma  # isort: skip
from tensorflow_model_analysis.metrics import binary_confusion_matrices, metric_types  # isort: skip

from components.errors import BadData
from components.evaluator import columnar

HISTOGRAM, MATRICES = binary_confusion_matrices.binary_confusion_matrices()
AWKWARD = [0.0, 1.0, 0.5, -0.25, 1.5, 1e-7, 0.3, 0.3, np.nextafter(np.float32(1), np.float32(0))]


def test_confusion_matrices_are_tfmas_at_the_ends_and_beyond():
    scores = np.array([*AWKWARD, *np.random.default_rng(1).random(500)], np.float32)
    labels = (np.arange(len(scores)) % 3 == 0).astype(np.float64)
    one_by_one = HISTOGRAM.combiner.create_accumulator()
    for label, score in zip(labels, scores, strict=True):
        row = metric_types.StandardMetricInputs(label=np.array([label]), prediction=np.array([score]))
        one_by_one = HISTOGRAM.combiner.add_input(one_by_one, row)
    expected = HISTOGRAM.combiner.extract_output(one_by_one)
    buckets = columnar.accumulated(HISTOGRAM.combiner, columnar.Rows({"": labels}, {"": scores}))
    found = HISTOGRAM.combiner.extract_output(buckets)
    assert found == expected
    assert columnar.derived(MATRICES, found) == MATRICES.result(expected)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [([0.0, 1.0], [0.1, np.nan], "1 of 2 scores are NaN"), ([0.0, 2.0], [0.1, 0.2], r"outside \[0, 1\], such as 2.0")],
)
def test_what_no_metric_is_defined_for_is_refused(labels, scores, message):
    rows = columnar.Rows({"": np.array(labels)}, {"": np.array(scores, np.float32)})
    with pytest.raises(BadData, match=message):
        columnar.accumulated(HISTOGRAM.combiner, rows)


def test_metrics_of_other_sums_are_not_covered():
    assert columnar.covers(tfma.metrics.AUC().computations())
    assert not columnar.covers(tfma.metrics.TotalAttributions().computations())
    assert not columnar.covers(tfma.metrics.AUC().computations(sub_keys=[tfma.metrics.SubKey(class_id=1)]))
