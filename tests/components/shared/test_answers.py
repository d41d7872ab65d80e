"""What answers of one value a row, or of one a class, become for people and in tables."""

import numpy as np
import pytest

from components.shared import answers

CLASSES = ["kept", "returned"]


def test_a_table_has_a_column_or_one_a_class():
    assert answers.names("prediction", []) == ["prediction"]
    named = answers.names("probabilities", CLASSES)
    assert named == ["probability of kept", "probability of returned"]
    found = answers.columns(np.array([[0.25, 0.75], [0.5, 0.5], [1, 0]]), named)
    assert {name: column.tolist() for name, column in found.items()} == {named[0]: [0.25, 0.5, 1], named[1]: [0.75, 0.5, 0]}
    assert answers.columns(np.array([1.5, 2.5]), ["prediction"])["prediction"].tolist() == [1.5, 2.5]


def test_other_names_than_there_are_values_are_a_fault():
    with pytest.raises(ValueError, match="argument 2 is longer"):
        answers.columns(np.zeros((2, 3)), CLASSES)


@pytest.mark.parametrize(
    ("answer", "output", "classes", "said"),
    [
        (np.float32(0.08564), "probability", [], "probability 0.0856"),
        (np.array([0.2, 0.8], "float32"), "probabilities", CLASSES, "returned, probability 0.8000"),
        (np.float32(12.3456), "prediction", [], "prediction 12.35"),
        (np.float32(-1234567.8), "prediction", [], "prediction -1234568"),
        (np.float32(0.00012), "prediction", [], "prediction 0.00012"),
    ],
)
def test_an_answer_in_words(answer, output, classes, said):
    assert answers.in_words(answer, output, classes) == said
