"""Labels of each task, as numbers and by their shares."""

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from components.shared import answers
from components.shared.errors import BadData
from components.shared.target import Target
from components.shared.tasks import MULTICLASS, REGRESSION, TASKS, configured, measured
from components.shared.tfdv_statistics import by_name

OF_CLASSES = Target(label="what", task_name="multiclass", classes=["a", "b", "ß"])


def statistics(values: list):
    return by_name(tfdv.generate_statistics_from_dataframe(pd.DataFrame({"what": values})).datasets[0])["what"]


def test_a_class_is_its_place_and_others_are_as_they_are():
    assert OF_CLASSES.numbers(np.array(["ß".encode(), b"a", b"b"], object)).tolist() == [2, 0, 1]
    assert Target(label="what", task_name="regression").numbers(np.array([1.5])).tolist() == [1.5]
    with pytest.raises(BadData, match=r"the label what is 'c' in a row; expected one of problem\.classes: a, b, ß"):
        OF_CLASSES.numbers(np.array([b"a", b"c"], object))


def test_shares_are_those_of_the_labels():
    assert OF_CLASSES.shares(statistics(["a", "a", "ß", "a"])) == {"a": 0.75, "b": 0, "ß": 0.25}
    assert Target(label="what").shares(statistics([0, 1, 1, 1])) == {"positive": 0.75}
    assert Target(label="what", task_name="regression").shares(statistics([0.5, 1.0])) == {}


def test_a_task_is_known_by_its_metrics_and_by_a_runs_settings():
    for task in TASKS.values():
        assert measured(["example_count", *(each.key for each in task.metrics)]) is task
        assert configured({"problem": {"task": task.name}}) is task
    assert configured({}).name == measured([]).name == "binary"


@pytest.mark.parametrize(
    ("task", "given", "wrong"),
    [
        (TASKS["binary"], [0.0, 1.0, 1.1, -0.1, np.nan], [False, False, True, True, True]),
        (MULTICLASS, [[0.4, 0.6], [0.5, np.nan], [1.2, 0.1]], [False, True, True]),
        (REGRESSION, [1e9, -5.0, np.inf], [False, False, True]),
    ],
)
def test_an_answer_that_is_none_is_marked(task, given, wrong):
    assert answers.wrong(task, np.array(given)).tolist() == wrong


def test_differences_are_the_largest_of_a_row_and_of_numbers_in_deviations():
    expected = np.array([[0.2, 0.8], [0.5, 0.5]])
    assert answers.differences(expected + np.array([[0, 0.1], [0.3, -0.2]]), expected).tolist() == pytest.approx([0.1, 0.3])
    assert answers.unit(MULTICLASS, expected) == 1
    assert answers.unit(REGRESSION, np.array([10.0, 30.0])) == 10
    assert answers.unit(REGRESSION, np.array([10.0, 10.0])) == 1
    with pytest.raises(LookupError, match="the model answers with a, b; expected one output"):
        answers.only({"b": 1, "a": 2})
