"""Label and prediction drift of classes and numbers."""

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from components.drift_monitor import moves
from components.drift_monitor.performance import ModelLimits
from components.model_store.manifest import Manifest
from components.shared.scored import ScoredClasses, ScoredNumbers
from components.shared.target import Target
from components.shared.tfdv_statistics import by_name
from pipeline.shared.sections import Drift

LIMITS = ModelLimits(**Drift().limits(*ModelLimits.__dataclass_fields__))
CLASSES = ["a", "b", "c"]
ROWS = 4000


def label(values) -> object:
    return by_name(tfdv.generate_statistics_from_dataframe(pd.DataFrame({"y": values})).datasets[0])["y"]


def of_classes(shares: list[float], likeliest: list[float]) -> ScoredClasses:
    random = np.random.default_rng(2)
    labels = random.choice(3, ROWS, p=shares)
    scores = np.eye(3)[random.choice(3, ROWS, p=likeliest)] * 0.4 + 0.2
    return ScoredClasses(labels, scores)


def checks_of_classes(shares, likeliest):
    trained_on = label(np.repeat(CLASSES, [5000, 3000, 2000]))
    manifest = Manifest(files={}, score_histogram=[600.0, 300.0, 100.0])
    target = Target(label="y", task_name="multiclass", classes=CLASSES)
    return moves.moved(target, of_classes(shares, likeliest), (trained_on, manifest), LIMITS)


def test_classes_as_often_as_before_are_stable():
    of_label, of_prediction = checks_of_classes([0.5, 0.3, 0.2], [0.6, 0.3, 0.1])
    assert (of_label.kind, of_label.verdict, of_prediction.kind, of_prediction.verdict) == (
        "label",
        "stable",
        "prediction",
        "stable",
    )


def test_the_class_that_moved_the_farthest_is_named():
    of_label, of_prediction = checks_of_classes([0.45, 0.2, 0.35], [0.3, 0.6, 0.1])
    assert (of_label.verdict, of_label.measure, of_label.reference) == ("drifted", "share of c", 0.2)
    assert of_label.value == pytest.approx(0.35, abs=0.03)
    assert "of labels are c, in training 20.0%; limit 0.5% apart" in of_label.reason
    assert of_prediction.verdict == "drifted"


def test_a_published_histogram_without_the_last_classes_is_read():
    """TFMA's confusion matrix has no column of a class that was never the likeliest."""
    trained_on = label(np.repeat(CLASSES, [5000, 3000, 2000]))
    target = Target(label="y", task_name="multiclass", classes=CLASSES)
    manifest = Manifest(files={}, score_histogram=[700.0, 300.0])
    _, of_prediction = moves.moved(target, of_classes([0.5, 0.3, 0.2], [0.7, 0.3, 0.0]), (trained_on, manifest), LIMITS)
    assert of_prediction.verdict == "stable"


@pytest.mark.parametrize(("moved", "verdict"), [(0.0, "stable"), (0.15, "stable"), (1.0, "drifted"), (-1.0, "drifted")])
def test_numbers_are_compared_by_their_means_in_deviations_of_the_label(moved, verdict):
    """The deviation is 4: a limit of 0.1 is 0.4, of which the interval takes a part."""
    random = np.random.default_rng(3)
    trained_on = label(random.normal(20, 4, 50_000))
    values = random.normal(20 + moved, 4, ROWS)
    manifest = Manifest(files={}, metrics={"overall": {"mean_prediction": 20.0, "example_count": 5000}})
    target = Target(label="y", task_name="regression")
    found = moves.moved(target, ScoredNumbers(values, values), (trained_on, manifest), LIMITS)
    assert [(check.kind, check.measure, check.verdict) for check in found] == [
        ("label", "mean label", verdict),
        ("prediction", "mean prediction", verdict),
    ]
    assert found[0].limit == pytest.approx(0.4, rel=0.02)


@pytest.mark.parametrize(("widened", "verdict"), [(1.0, "stable"), (0.9, "stable"), (1.6, "decayed")])
def test_intervals_that_no_longer_hold_the_labels_are_decay(widened, verdict):
    """Errors as wide as before, a little narrower, and so wide that 70 % of the labels are within."""
    random = np.random.default_rng(5)
    trained_on = label(random.normal(20, 4, 50_000))
    predictions = random.normal(20, 3, ROWS)
    labels = predictions + widened * random.normal(0, 2, ROWS)
    ends = {"error_low": -2 * 1.645, "error_high": 2 * 1.645, "example_count": 5000}
    target, manifest = Target(label="y", task_name="regression"), Manifest(files={}, metrics={"overall": ends})
    check = moves.moved(target, ScoredNumbers(labels, predictions), (trained_on, manifest), LIMITS)[-1]
    assert (check.kind, check.measure, check.verdict, check.reference) == ("concept", "coverage", verdict, 0.9)
    assert check.value == pytest.approx(np.mean(np.abs(labels - predictions) <= 2 * 1.645))
    assert check.interval[0] < check.value < check.interval[1]
    if verdict == "decayed":
        assert check.reason.endswith("of labels are in the interval of their prediction, made for 90%; limit 5.0% fewer")


def test_few_rows_decide_nothing_of_the_intervals():
    """14 of 20 labels are within: far from 90 %, and no more than chance makes of 20."""
    trained_on = label(np.random.default_rng(6).normal(20, 4, 1000))
    errors = np.random.default_rng(7).permutation(np.repeat([0.0, 9.0], [14, 6]))
    ends = {"error_low": -1.0, "error_high": 1.0, "example_count": 20}
    target, manifest = Target(label="y", task_name="regression"), Manifest(files={}, metrics={"overall": ends})
    check = moves.moved(target, ScoredNumbers(20 + errors, np.full(20, 20.0)), (trained_on, manifest), LIMITS)[-1]
    assert (check.measure, check.value, check.verdict) == ("coverage", 0.7, "stable")
