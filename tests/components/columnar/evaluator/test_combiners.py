"""What is computed on columns against TFMA's own functions."""

import numpy as np
import pytest
import tfx  # noqa: F401  # before what else is TFX's

import tensorflow_model_analysis as tfma  # isort: skip
from tensorflow_model_analysis.metrics import binary_confusion_matrices, metric_types, tf_metric_wrapper  # isort: skip

from tensorflow_model_analysis.utils.keras_lib import tf_keras  # isort: skip

from components.columnar.evaluator import binary, combiners
from components.columnar.evaluator.rows import ANY, CLASSES, NONE, NUMBERS, NotAScore, Rows
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
    buckets = combiners.accumulated(HISTOGRAM.combiner, Rows({"": labels}, {"": scores}))
    found = HISTOGRAM.combiner.extract_output(buckets)
    assert found == expected
    assert binary.derived(MATRICES, found) == MATRICES.result(expected)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [([0.0, 1.0], [0.1, np.nan], "1 of 2 scores are NaN"), ([0.0, 2.0], [0.1, 0.2], r"outside \[0, 1\], such as 2.0")],
)
def test_what_no_metric_is_defined_for_is_refused(labels, scores, message):
    rows = Rows({"": np.array(labels)}, {"": np.array(scores, np.float32)})
    with pytest.raises(BadData, match=message):
        combiners.accumulated(HISTOGRAM.combiner, rows)


def keras(*metrics) -> list:
    """TFMA's computations of Keras' metrics."""
    return tf_metric_wrapper.tf_metric_computations([*metrics])


def test_what_can_be_made_of_which_answers():
    metrics = tf_keras.metrics
    assert combiners.kinds(tfma.metrics.ExampleCount().computations()) == ANY
    assert combiners.kinds(tfma.metrics.AUC().computations()) == NUMBERS
    assert combiners.kinds(keras(metrics.RootMeanSquaredError())) == NUMBERS
    assert combiners.kinds(keras(metrics.SparseCategoricalAccuracy(), metrics.SparseCategoricalCrossentropy())) == CLASSES
    assert combiners.kinds(tfma.metrics.MultiClassConfusionMatrixPlot(num_thresholds=5).computations()) == CLASSES


class RootMeanSquaredError(tf_keras.metrics.RootMeanSquaredError):
    """Another one, of the same name."""


@pytest.mark.parametrize(
    "computations",
    [
        tfma.metrics.TotalAttributions().computations(),
        tfma.metrics.AUC().computations(sub_keys=[tfma.metrics.SubKey(class_id=1)]),
        tfma.metrics.MeanSquaredError().computations(),
        tfma.metrics.MultiClassConfusionMatrixPlot(thresholds=[0.5, 0.25]).computations(),
        tfma.metrics.MultiClassConfusionMatrixPlot().computations() + tfma.metrics.MeanLabel().computations(),
        keras(tf_keras.metrics.LogCoshError()),
        keras(tf_keras.metrics.SparseCategoricalCrossentropy(from_logits=True)),
        keras(tf_keras.metrics.RootMeanSquaredError(), tf_keras.metrics.SparseCategoricalAccuracy()),
        keras(tf_keras.losses.MeanSquaredError()),
        keras(RootMeanSquaredError()),
    ],
)
def test_what_cannot_be_made_on_columns(computations):
    assert combiners.kinds(computations) == NONE


def cross_entropies(labels, scores, **settings) -> tuple[float, float]:
    """Ours on columns, and TFMA's own row by row."""
    [computation] = tfma.metrics.BinaryCrossEntropy(**settings).computations()
    combiner, columns = computation.combiner, (np.asarray(labels, np.float64), np.asarray(scores, np.float32))
    accumulators = [
        combiners.accumulated(combiner, Rows(*({"": each} for each in columns))),
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


def both(computations: list, labels, *batches: np.ndarray) -> tuple[dict, dict]:
    """What TFMA's combiner makes of batches of scores on columns, and of the rows one by one."""
    combiner, found = computations[0].combiner, []
    combiner.setup()
    one_by_one, start = combiner.create_accumulator(), 0
    for scores in batches:
        of_batch = np.asarray(labels[start : (start := start + len(scores))], np.float64)
        found.append(combiners.accumulated(combiner, Rows({"": of_batch}, {"": scores})))
        for label, score in zip(of_batch, scores, strict=True):
            row = metric_types.StandardMetricInputs(label=np.array([label]), prediction=np.atleast_1d(score))
            one_by_one = combiner.add_input(one_by_one, row)
    merged = combiner.merge_accumulators(iter(found))
    return combiner.extract_output(merged), combiner.extract_output(one_by_one)


# Certain, of two equal ones, with a class that no row has, not adding up to 1, and outside of [0, 1].
PROBABILITIES = np.array(
    [[1, 0, 0], [0, 1, 0], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0.5, 0.1, 0.1], [1.5, -0.5, 0], [0, 0, 0]], np.float32
)
OF_CLASSES = [1, 1, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("name", ["SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"])
def test_keras_metrics_of_classes_are_keras_own(name):
    for metrics in ([name], ["SparseCategoricalCrossentropy", "SparseCategoricalAccuracy"]):
        computations = keras(*(getattr(tf_keras.metrics, each)(name=f"our_{each}") for each in metrics))
        found, expected = both(computations, OF_CLASSES, PROBABILITIES[:3], PROBABILITIES[3:4], PROBABILITIES[4:])
        assert found == pytest.approx(expected, rel=1e-6)
        assert len(found) == len(metrics)


def test_rows_below_a_threshold_have_no_likeliest_class():
    for settings in ({}, {"thresholds": [0.2, 0.5, 0.7]}, {"num_thresholds": 5}):
        computations = tfma.metrics.MultiClassConfusionMatrixPlot(**settings).computations()
        found, expected = both(computations, OF_CLASSES, PROBABILITIES[:3], PROBABILITIES[3:])
        assert found == expected


NUMBERS_AND_SCORES = np.random.default_rng(1).normal(5, 2, (2, 300)).astype(np.float32)
OF_NUMBERS = {
    "RMSE": keras(tf_keras.metrics.RootMeanSquaredError()),
    "MAE": tfma.metrics.MeanAbsoluteError().computations(),
    "squared correlation": tfma.metrics.SquaredPearsonCorrelation().computations(),
}


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_metrics_of_numbers_are_tfmas(name):
    labels, scores = NUMBERS_AND_SCORES
    found, expected = both(OF_NUMBERS[name], labels, scores[:1], scores[1:200], scores[200:])
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_mean_absolute_error_of_several_batches_counts_each_row_once():
    """TFMA's own does not: given a list, as Beam has one, it counts the rows of the first twice."""
    combiner, parts = OF_NUMBERS["MAE"][0].combiner, [Rows({"": np.zeros(1)}, {"": np.array([each])}) for each in (1, 3)]
    values = []
    for given in (iter, list):
        merged = combiner.merge_accumulators(given([combiners.accumulated(combiner, rows) for rows in parts]))
        values += combiner.extract_output(merged).values()
    assert values == [2, pytest.approx(5 / 3)]


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_metrics_of_numbers_far_from_zero_are_right(name):
    """TFMA's correlation is not: its sums of squares have no digit left. Here they have 11 bits more."""
    random = np.random.default_rng(1)
    labels = (1e6 + random.uniform(-1, 1, 20_000)).astype(np.float32).astype(np.float64)
    scores = (labels + random.uniform(-0.5, 0.5, 20_000)).astype(np.float32)
    found, by_row = (next(iter(each.values())) for each in both(OF_NUMBERS[name], labels, scores[:5000], scores[5000:]))
    errors = scores - labels
    expected = {
        "RMSE": np.sqrt((errors**2).mean()),
        "MAE": np.abs(errors).mean(),
        "squared correlation": np.corrcoef(labels, scores.astype(np.float64))[0, 1] ** 2,  # of differences from the means
    }
    assert found == pytest.approx(expected[name], rel=1e-5)
    assert (by_row == pytest.approx(expected[name], rel=1e-5)) == (name != "squared correlation")


@pytest.mark.parametrize(
    ("labels", "scores", "error", "message"),
    [
        ([0, 3, -1], np.eye(3), BadData, r"2 of 3 labels are no class, such as 3, .* expected 0 to 2\. Name the class"),
        ([0, 0.5, 1], np.eye(3), BadData, "1 of 3 labels are no class, such as 0.5"),
        ([0, np.nan, 1], np.eye(3), BadData, "1 of 3 labels are no class, such as nan"),
        ([0, 1, 1], np.full((3, 2), np.nan), BadData, "3 of 3 scores are NaN"),
        ([0, 1, 1], np.zeros(3), NotAScore, "The model answers a row with one value; expected one a class"),
    ],
)
def test_what_no_metric_of_classes_is_defined_for_is_refused(labels, scores, error, message):
    combiner = tfma.metrics.MultiClassConfusionMatrixPlot().computations()[0].combiner
    with pytest.raises(error, match=message):
        combiners.accumulated(combiner, Rows({"": np.array(labels, np.float64)}, {"": scores.astype(np.float32)}))


@pytest.mark.parametrize("name", OF_NUMBERS)
@pytest.mark.parametrize(
    ("labels", "scores", "error", "message"),
    [
        ([0, np.nan], [1, 2], BadData, "1 of 2 labels are NaN"),
        ([0, 1], [1, np.nan], BadData, "1 of 2 scores are NaN"),
        ([0, 1], [[1, 2, 3], [4, 5, 6]], NotAScore, "The model answers a row with 3 values; expected one"),
    ],
)
def test_what_no_metric_of_numbers_is_defined_for_is_refused(name, labels, scores, error, message):
    with pytest.raises(error, match=message):
        combiners.accumulated(
            OF_NUMBERS[name][0].combiner, Rows({"": np.array(labels, np.float64)}, {"": np.array(scores, np.float32)})
        )
