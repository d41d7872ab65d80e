"""Raw features to model inputs, as a tf.Transform graph. Only operations that convert to TensorFlow Lite builtins."""

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
    """z-score; a missing value becomes the mean, 0."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    scaled = tft.scale_to_z_score(values)  # NaN counts neither in the mean nor in the deviation
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
    """A point on the unit circle; a missing value is its centre."""
    values = dense(column, math.nan)
    missing = tf.math.is_nan(values)
    angle = values * (2 * math.pi / feature.period)
    sine, cosine = feature.prepared
    return {name: tf.where(missing, tf.zeros_like(angle), f(angle)) for name, f in ((sine, tf.sin), (cosine, tf.cos))}


def share(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """Log-odds of a share held between 1 % and 99 %; a missing one becomes the mean."""
    values = dense(column, math.nan)
    held = tf.clip_by_value(values, 0.01, 0.99)
    log_odds = tf.math.log(held) - tf.math.log(1 - held)
    mean = tft.mean(tf.boolean_mask(log_odds, ~tf.math.is_nan(values)))
    return {feature.name: tf.where(tf.math.is_nan(values), mean, log_odds)}


def flag(feature: Feature, column: tf.SparseTensor) -> dict[str, tf.Tensor]:
    """0 or 1; a missing value is 0."""
    return {feature.name: tf.cast(dense(column, 0), tf.float32)}


PREPARE = {Kind.NUMERIC: numeric, Kind.CATEGORICAL: categorical, Kind.CYCLIC: cyclic, Kind.FLAG: flag, Kind.SHARE: share}
