"""What is computed on columns against TFMA's own functions."""

import numpy as np
import pytest
import tfx  # noqa: F401  # before what else is TFX's

import tensorflow_model_analysis as tfma  # isort: skip
from tensorflow_model_analysis.metrics import binary_confusion_matrices, metric_types  # isort: skip

from components.columnar.evaluator import columnar
from components.shared.errors import BadData

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


def cross_entropies(labels, scores, **settings) -> tuple[float, float]:
    """Ours on columns, and TFMA's own row by row."""
    [computation] = tfma.metrics.BinaryCrossEntropy(**settings).computations()
    combiner, columns = computation.combiner, (np.asarray(labels, np.float64), np.asarray(scores, np.float32))
    accumulators = [
        columnar.accumulated(combiner, columnar.Rows(*({"": each} for each in columns))),
        combiner.create_accumulator(),
    ]
    for label, score in zip(*columns, strict=True):
        row = metric_types.StandardMetricInputs(label=np.array([label]), prediction=np.array([score]))
        accumulators[1] = combiner.add_input(accumulators[1], row)
    found, expected = (next(iter(combiner.extract_output(each).values())) for each in accumulators)
    return found, expected


def test_cross_entropy_is_tfmas_for_scores_that_are_not_saturated():
    scores = np.array([*np.random.default_rng(1).random(500), 2e-7, 1 - 2e-7], np.float32)
    labels = np.arange(len(scores)) % 3 == 0
    for settings in ({}, {"label_smoothing": 0.1}):
        found, expected = cross_entropies(labels, scores, **settings)
        assert found == pytest.approx(expected, rel=1e-6)
    # Of logits, 0 and 1 are like any other.
    found, expected = cross_entropies([0, 1, 1], [0.0, 1.0, -3.0], from_logits=True)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("label", "score"), [(0, 0.0), (1, 1.0), (0, 1.0), (1, 0.0), (1, 1e-12)])
def test_a_saturated_score_costs_16_nats_at_most(label, score):
    found, _ = cross_entropies([label, 1], [score, 0.5])
    wrong = abs(label - score) > 0.5
    assert found * 2 == pytest.approx(np.log(2) + (-np.log(1e-7) if wrong else 0), abs=0.2)


def test_the_cross_entropy_of_what_is_no_probability_has_no_value():
    """As TFMA's: 1.5 may be a logit, and taking it for 1 would hide that."""
    found, expected = cross_entropies([1, 0], [0.5, 1.5])
    assert np.isnan(found)
    assert np.isnan(expected)
