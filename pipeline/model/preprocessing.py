"""Prepare raw features for the network in a tf.Transform graph, only with operations that TensorFlow Lite has built in.

And only with those that round a row alike wherever it stands in a batch, so that two runs give the same bits. Sines and
logarithms do not: a vector and the remainder at its end round differently. They are in the network.

Missing numbers are NaN, and phones' kernels differ in what MINIMUM, MAXIMUM and comparisons make of NaN. So NaN is replaced
before any of them sees it; the MobileExporter refuses a graph in which one does.

All features of one kind are prepared together, a column each: tf.Transform's time grows with analyzers and operations.
"""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_transform as tft

from pipeline.problem import MISSING_CATEGORY, MOST_EMBEDDED, Declaration, Feature, Kind, of_kind

RARE = 20  # rows below which a category has no embedding of its own


def preprocessing_fn(inputs: dict[str, tf.SparseTensor], custom_config: dict) -> dict[str, tf.Tensor]:
    """Prepare the features and the label: tf.Transform's entry point.

    Args:
        inputs: one sparse tensor a raw feature, of shape [batch, <= 1].
        custom_config: "declaration" says which features there are.

    Returns:
        One dense tensor of shape [batch] a prepared feature (see `Feature.prepared`), and the label: of a class its place,
        int64; another one as it is.
    """
    declaration = Declaration.model_validate(custom_config["declaration"])
    outputs = {declaration.label: label(inputs[declaration.label], declaration.classes)}
    for kind, prepare in PREPARE.items():
        if features := of_kind(declaration.features, kind):
            outputs.update(prepare(features, inputs))
    return outputs


def label(column: tf.SparseTensor, classes: Sequence[str]) -> tf.Tensor:
    """Make labels, shape [batch]: the place of each among the classes, -1 of one that is not there; without classes itself."""
    if not classes:
        return dense(column, 0)
    same = tf.equal(dense(column, "")[:, tf.newaxis], tf.constant([classes]))
    return tf.where(tf.reduce_any(same, axis=1), tf.argmax(same, axis=1), -1)


def dense(column: tf.SparseTensor, missing) -> tf.Tensor:
    """Make a column dense: shape [batch], `missing` where the row has no value."""
    one_each = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.squeeze(tf.sparse.to_dense(one_each, default_value=missing), axis=1)


def stacked(features: Sequence[Feature], inputs: dict[str, tf.SparseTensor], missing) -> tf.Tensor:
    """Stack features: shape [batch, features], `missing` where the row has no value."""
    return tf.stack([dense(inputs[feature.name], missing) for feature in features], axis=1)


def named(names: Sequence[str], columns: tf.Tensor) -> dict[str, tf.Tensor]:
    """Split a tensor of shape [batch, names] into its columns by name."""
    return dict(zip(names, tf.unstack(columns, axis=1), strict=True))


def moment(analyzer: Callable[..., tf.Tensor], values: tf.Tensor) -> tf.Tensor:
    """Compute `tft.mean` or `tft.var` of each column without NaN: float64, shape [features]; 0 for a column of NaN."""
    found = analyzer(tf.cast(values, tf.float64), reduce_instance_dims=False)  # in float64 the order of summands is lost
    return tf.where(tf.math.is_nan(found), tf.zeros_like(found), found)


def numeric(features: Sequence[Feature], inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Make z-scores; a missing value becomes the mean, 0, and so does every value of a feature that does not vary."""
    values = stacked(features, inputs, math.nan)
    missing = tf.math.is_nan(values)
    mean, deviation = tf.cast(moment(tft.mean, values), tf.float32), tf.cast(tf.sqrt(moment(tft.var, values)), tf.float32)
    # Times the inverse, as TensorFlow Lite divides: a z-score's last bit, times the steepness of a narrow bin, is no trifle.
    scaled = (values - mean) * tf.math.divide_no_nan(1.0, deviation)
    names = [feature.name for feature in features]
    outputs = named(names, tf.where(missing | tf.equal(deviation, 0), tf.zeros_like(scaled), scaled))
    indicators = named([f"{name}_missing" for name in names], tf.cast(missing, tf.float32))
    return outputs | {name: indicators[name] for feature in features for name in feature.prepared[1:]}


def categorical(features: Sequence[Feature], inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Make indices into the vocabularies; rare and unseen values share the last index, so that its embedding is trained."""
    return {
        feature.name: tft.compute_and_apply_vocabulary(
            dense(inputs[feature.name], MISSING_CATEGORY),
            top_k=MOST_EMBEDDED,
            frequency_threshold=RARE,
            num_oov_buckets=1,
            vocab_filename=feature.name,
        )
        for feature in features
    }


def cyclic(features: Sequence[Feature], inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Make shares of the period, from 0 to 1, and flags of missing and infinite values. Values count modulo the period."""
    period = tf.constant([feature.period for feature in features], tf.float32)
    # Exact in floating point, so it is the same everywhere even far from zero; and NaN for infinity.
    values = tf.math.floormod(stacked(features, inputs, math.nan), period)
    missing = tf.math.is_nan(values)
    turns = values / period
    names, indicators = zip(*(feature.prepared for feature in features), strict=True)
    return named(names, tf.where(missing, tf.zeros_like(turns), turns)) | named(indicators, tf.cast(missing, tf.float32))


def share(features: Sequence[Feature], inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Clip shares to 1 % and 99 %; a missing one becomes the mean."""
    values = stacked(features, inputs, math.nan)
    missing = tf.math.is_nan(values)
    held = tf.clip_by_value(tf.where(missing, tf.zeros_like(values), values), 0.01, 0.99)
    mean = tf.cast(moment(tft.mean, tf.where(missing, values, held)), tf.float32)
    filled = tf.where(missing, tf.clip_by_value(mean, 0.01, 0.99), held)
    return named([feature.name for feature in features], filled)


def flag(features: Sequence[Feature], inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Make 0 or 1: anything but 0 is 1, and a missing value is 0."""
    return {feature.name: tf.cast(tf.not_equal(dense(inputs[feature.name], 0), 0), tf.float32) for feature in features}


PREPARE = {Kind.NUMERIC: numeric, Kind.CATEGORICAL: categorical, Kind.CYCLIC: cyclic, Kind.FLAG: flag, Kind.SHARE: share}
