"""The heads of the tasks: answers, losses and what a training makes of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.model import heads, network
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.problem import Declaration, Feature

SETTINGS = Hyperparameters(
    learning_rate=0.01, weight_decay=0.0, hidden_units=[8], members=3, dropout=0.0, embedding_dropout=0.0
)
FEATURES = [Feature(name="x", kind="numeric")]
LABELS = np.array([10.0, 30.0, 20.0, 60.0], "float32")


def built(head: heads.Head) -> np.ndarray:
    keras.utils.set_random_seed(1)
    return network.build(FEATURES, SETTINGS, {}, head)({"x": np.linspace(-1, 1, 5, dtype="float32")}).numpy()


def test_a_member_gives_a_probability_of_each_class():
    members = built(heads.of_classes(4))
    assert members.shape == (5, 3, 4)
    np.testing.assert_allclose(members.sum(axis=2), 1, rtol=1e-6)
    assert np.ptp(members[:, :, 0]) > 0


def test_a_member_gives_a_number_around_the_mean_label():
    members = built(heads.of_numbers(LABELS))
    assert members.shape == (5, 3)
    assert abs(members.mean() - LABELS.mean()) < 2 * LABELS.std()


def test_the_loss_of_a_row_is_the_mean_of_its_members():
    members = np.array([[[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]], [[0.1, 0.1, 0.8], [0.2, 0.2, 0.6]]], "float32")
    found = heads.of_classes(3).losses(tf.constant([0, 2], tf.int64), tf.constant(members)).numpy()
    np.testing.assert_allclose(found, [-np.log([0.7, 0.5]).mean(), -np.log([0.8, 0.6]).mean()], rtol=1e-5)
    members = np.array([[12.0, 8.0], [30.0, 20.0]], "float32")
    found = heads.of_numbers(LABELS).losses(tf.constant([10.0, 30.0]), tf.constant(members)).numpy()
    np.testing.assert_allclose(found, np.array([4.0, 50.0]) / LABELS.var(), rtol=1e-5)


def test_labels_that_are_all_the_same_have_a_loss_too():
    head = heads.of_numbers(np.full(3, 7.0, "float32"))
    assert np.isfinite(head.losses(tf.constant([7.0]), tf.constant([[6.0, 8.0]])).numpy()).all()


@pytest.mark.parametrize(
    ("task", "classes", "values"), [("binary", [], ()), ("multiclass", ["a", "b", "c"], (3,)), ("regression", [], ())]
)
def test_the_head_is_that_of_the_task(task, classes, values):
    declaration = Declaration.model_validate({"label": "y", "features": [], "task": task, "classes": classes})
    head = heads.of(declaration, tf.constant(LABELS))
    assert head.values == values
    answers = head.answers(tf.ones((4, 3, *values)))
    assert answers.shape == (4, values[0] if values else 1)
