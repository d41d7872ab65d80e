"""Raw features to model inputs, as a tf.Transform graph. Only operations that convert to TensorFlow Lite builtins.

And only those that round alike wherever a row stands in a batch, so that two runs give the same bits: sines and logarithms do
not, in vectors and in what is left over at their end. The network has them.
"""

import math

import tensorflow as tf
import tensorflow_transform as tft

from pipeline.features import FEATURES, LABEL, MISSING_CATEGORY, Feature, Kind

RARE = 20  # a category with fewer rows than this has no embedding of its own


def preprocessing_fn(inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """tf.Transform's entry point.

    Args:
        inputs: one sparse tensor a raw feature, of shape [batch, <= 1].

    Returns:
        One dense tensor of shape [batch] a prepared feature (see `Feature.prepared`), and the label (int64).
    """
    outputs = {LABEL: dense(inputs[LABEL], 0)}
    for feature in FEATURES:
        outputs.update(PREPARE[feature.kind](feature, inputs[feature.name]))
    return outputs


def dense(column: tf.SparseTensor, missing) -> tf.Tensor:
    """Shape [batch], `missing` where the row has no value."""
    one_each = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.squeeze(tf.sparse.to_dense(one_each, default_value=missing), axis=1)


def numeric(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """z-score; a missing value becomes the mean, 0, and so does every value of a feature that does not vary."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    present = tf.cast(tf.boolean_mask(values, ~missing), tf.float64)  # so wide that the order of summands does not show
    mean, deviation = tf.cast(tft.mean(present), tf.float32), tf.cast(tf.sqrt(tft.var(present)), tf.float32)
    scaled = tf.math.divide_no_nan(values - mean, deviation)
    outputs = {feature.name: tf.where(missing, tf.zeros_like(scaled), scaled)}
    if feature.optional:
        outputs[f"{feature.name}_missing"] = tf.cast(missing, tf.float32)
    return outputs


def categorical(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """Index into the vocabulary; rare and unseen values share the last index, so that its embedding is trained."""
    values = dense(column, MISSING_CATEGORY)
    index = tft.compute_and_apply_vocabulary(values, frequency_threshold=RARE, num_oov_buckets=1, vocab_filename=feature.name)
    return {feature.name: index}


def cyclic(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """Share of the period, and whether the value is missing."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    turn = tf.where(missing, tf.zeros_like(values), values / feature.period)
    return dict(zip(feature.prepared, (turn, tf.cast(missing, tf.float32)), strict=True))


def share(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """The share, within 1 % and 99 %; a missing one becomes the mean."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    held = tf.clip_by_value(values, 0.01, 0.99)
    mean = tf.cast(tft.mean(tf.cast(tf.boolean_mask(held, ~missing), tf.float64)), tf.float32)
    return {feature.name: tf.where(missing, tf.clip_by_value(mean, 0.01, 0.99), held)}


def flag(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """0 or 1; a missing value is 0."""
    return {feature.name: tf.cast(dense(column, 0), tf.float32)}


PREPARE = {Kind.NUMERIC: numeric, Kind.CATEGORICAL: categorical, Kind.CYCLIC: cyclic, Kind.FLAG: flag, Kind.SHARE: share}
