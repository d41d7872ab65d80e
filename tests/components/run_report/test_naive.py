"""What a candidate has to beat is what its metrics are of one answer to all rows."""

import math

import numpy as np
import pytest
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from components.run_report.naive import naive
from components.shared.scored import scored
from components.shared.target import Target

NUMBER = Target(label="fare", task_name="regression")
YES = Target(label="tipped")
CLASS = Target(label="kind", task_name="multiclass", classes=["apple", "pear", "plum"])


def of_mean(mean: float) -> FeatureNameStatistics:
    return FeatureNameStatistics(num_stats={"mean": mean})


def test_of_a_number_it_is_the_error_of_the_mean_training_label():
    labels = np.array([1.0, 2.0, 6.0])
    found = naive(NUMBER, of_mean(4.0), scored(NUMBER.task, labels, np.zeros(3)))
    errors = labels - 4
    assert found == {
        "RMSE": pytest.approx(math.sqrt((errors**2).mean())),
        "MAE": pytest.approx(np.abs(errors).mean()),
        "R²": pytest.approx(1 - (errors**2).sum() / ((labels - 3) ** 2).sum()),
    }


def test_of_yes_and_no_it_is_the_log_loss_of_the_base_rate():
    labels = np.array([1, 0, 0, 0, 1])
    found = naive(YES, of_mean(0.25), scored(YES.task, labels, np.zeros(5)))
    assert found["AUC"] == 0.5
    assert found["AUC-PR"] == pytest.approx(0.4)
    assert found["log loss"] == pytest.approx(-(2 * math.log(0.25) + 3 * math.log(0.75)) / 5)
    assert found["calibration"] == pytest.approx(5 * 0.25 / 2)


def test_of_classes_it_is_the_most_frequent_one_and_the_log_loss_of_their_shares():
    counted = {"apple": 30, "pear": 60, "plum": 10}
    buckets = [{"label": name, "sample_count": count} for name, count in counted.items()]
    strings = {"rank_histogram": {"buckets": buckets}, "common_stats": {"num_non_missing": 100}}
    labels = np.array([1, 1, 0, 2])
    found = naive(CLASS, FeatureNameStatistics(string_stats=strings), scored(CLASS.task, labels, np.zeros((4, 3))))
    assert found["accuracy"] == 0.5
    assert found["log loss"] == pytest.approx(-(2 * math.log(0.6) + math.log(0.3) + math.log(0.1)) / 4)
    assert found["macro AUC"] == 0.5


def test_where_all_labels_are_one_there_is_nothing_to_measure():
    assert naive(YES, of_mean(0.5), scored(YES.task, np.ones(3), np.zeros(3))) == {}
