"""Raw features to model inputs, as a tf.Transform graph. Only operations that convert to TensorFlow Lite builtins."""

import math

import tensorflow as tf
import tensorflow_transform as tft

from pipeline.features import FEATURES, LABEL, MISSING_CATEGORY, Feature, Kind


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
    """z-score; a missing value becomes the mean, 0."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    scaled = tft.scale_to_z_score(values)  # NaN counts neither in the mean nor in the deviation
    outputs = {feature.name: tf.where(missing, tf.zeros_like(scaled), scaled)}
    if feature.optional:
        outputs[f"{feature.name}_missing"] = tf.cast(missing, tf.float32)
    return outputs


def categorical(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """Index into the vocabulary; unseen values share the last index."""
    values = dense(column, MISSING_CATEGORY)
    return {feature.name: tft.compute_and_apply_vocabulary(values, num_oov_buckets=1, vocab_filename=feature.name)}


def cyclic(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """A point on the unit circle; a missing value is its centre."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    angle = values * (2 * math.pi / feature.period)
    sine, cosine = feature.prepared
    return {name: tf.where(missing, tf.zeros_like(angle), f(angle)) for name, f in ((sine, tf.sin), (cosine, tf.cos))}


def flag(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """0 or 1; a missing value is 0."""
    return {feature.name: tf.cast(dense(column, 0), tf.float32)}


PREPARE = {Kind.NUMERIC: numeric, Kind.CATEGORICAL: categorical, Kind.CYCLIC: cyclic, Kind.FLAG: flag}
