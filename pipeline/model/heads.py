"""The heads: for each task, how the last layer's numbers become answers, and how these are judged while training."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from pipeline.problem import Declaration


@dataclass(frozen=True)
class Head:
    """What a task adds to the network.

    Attributes:
        values: shape of what a member gives for a row: () for a number, (classes,) for one a class.
        activation: makes the layer from these to answers, float32, of the same shape.
        losses: from labels, shape [rows], and the members' answers, shape [rows, members, *values], to the loss of each row,
            the mean of the members, shape [rows].
        metric: makes Keras' metric of labels and mean answers, which TensorBoard shows beside the loss.
    """

    values: tuple[int, ...]
    activation: Callable[[], keras.layers.Layer]
    losses: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    metric: Callable[[], keras.metrics.Metric]

    def answers(self, members: tf.Tensor) -> tf.Tensor:
        """Return the mean answer, shape [rows, 1], or [rows, classes]."""
        return tf.reduce_mean(members, axis=1, keepdims=not self.values)


def binary_losses(label: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
    """Return the log loss of each row, in nats."""
    labels = tf.broadcast_to(tf.cast(label[:, tf.newaxis], tf.float32), tf.shape(members))
    return keras.losses.binary_crossentropy(labels, members)


BINARY = Head(
    values=(),
    activation=lambda: keras.layers.Activation("sigmoid", dtype="float32", name="probability"),
    losses=binary_losses,
    metric=lambda: keras.metrics.AUC(name="auc"),
)


def of_classes(classes: int) -> Head:
    """Make the head of a label that is one of several classes: a probability of each."""

    def losses(label: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
        labels = tf.broadcast_to(label[:, tf.newaxis], tf.shape(members)[:2])
        return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, members), axis=1)

    return Head(
        values=(classes,),
        activation=lambda: keras.layers.Activation("softmax", dtype="float32", name="probabilities"),
        losses=losses,
        metric=lambda: keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
    )


def of_numbers(labels: np.ndarray) -> Head:
    """Make the head of a label that is a number: the loss is the squared error, in variances of the training `labels`."""
    mean, deviation = float(labels.mean(dtype="float64")), float(labels.std(dtype="float64")) or 1.0

    def losses(label: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square((members - label[:, tf.newaxis]) / deviation), axis=1)

    return Head(
        values=(),
        activation=lambda: keras.layers.Rescaling(deviation, offset=mean, dtype="float32", name="prediction"),
        losses=losses,
        metric=lambda: keras.metrics.RootMeanSquaredError(name="rmse"),
    )


def of(declaration: Declaration, labels: tf.Tensor) -> Head:
    """Make the head of a problem's task, with the labels of the training split, shape [rows]."""
    make: dict[str, Callable[[], Head]] = {
        "binary": lambda: BINARY,
        "multiclass": lambda: of_classes(len(declaration.classes)),
        "regression": lambda: of_numbers(labels.numpy()),
    }
    return make[declaration.task_name]()
