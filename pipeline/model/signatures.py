"""What a server can be asked for: the SavedModel's signatures, preprocessing included."""

from collections.abc import Callable
from typing import cast

import keras
import tensorflow as tf
import tensorflow_transform as tft

from pipeline.features import FEATURES, LABEL, MISSING_CATEGORY, Kind

PROBABILITY = "probability"
CLASSES = (LABEL, f"not {LABEL}")  # of `classify`, in the order of its scores


def checkpoint_name(weight: keras.Variable) -> str:
    """The weight's name in the SavedModel's checkpoint; a slash or a dot would be escaped there."""
    return weight.path.replace("/", "-")


def checkpoint_key(weight: keras.Variable) -> str:
    """Where `tf.train.load_checkpoint` finds the weight's value."""
    return f"_weights/{checkpoint_name(weight)}/.ATTRIBUTES/VARIABLE_VALUE"


class ServingModel(tf.Module):
    """Preprocessing and network in one SavedModel. Signatures:

    - `serving_default`: `examples`, serialized tf.Example, shape [batch] -> `probability`, float32, shape [batch].
    - `raw`: a tensor of shape [batch] a feature, named as the feature; NaN or "" where it is missing -> `probability`.
    - `classify`, `regress`: `inputs`, serialized tf.Example, shape [batch] -> `classes` and `scores`, shape [batch, 2]; or
      `outputs`, shape [batch]: the names that TensorFlow Serving's Classify and Regress look for.
    - `transform_features`: `examples` -> the prepared features, each of shape [batch]; for TFMA and for debugging.
    """

    def __init__(self, network: keras.Model, transform_output: tft.TFTransformOutput):
        super().__init__()
        self._network = network
        self._transform = transform_output.transform_features_layer()
        # A Keras 3 model inside a tf.Module is not tracked: without this list it would be saved without its weights.
        self._weights = {checkpoint_name(weight): weight.value for weight in network.weights}
        raw = transform_output.raw_feature_spec()
        self._example_spec = {name: spec for name, spec in raw.items() if name != LABEL}
        # No signature, but saved: the mobile export puts other preprocessing in front of it.
        self.network = tf.function(self._score, input_signature=[network_inputs(network)])

    def save(self, folder: str) -> None:
        """Writes the SavedModel."""
        tf.saved_model.save(self, folder, signatures=self.signatures())

    def signatures(self) -> dict[str, Callable]:
        """The concrete functions by signature name."""
        examples = tf.TensorSpec([None], tf.string, name="examples")
        inputs = tf.TensorSpec([None], tf.string, name="inputs")
        columns = {feature.name: tf.TensorSpec([None], feature.dtype, name=feature.name) for feature in FEATURES}
        return {
            "serving_default": tf.function(self._score_examples).get_concrete_function(examples),
            "raw": tf.function(self._score_columns).get_concrete_function(columns),
            "classify": tf.function(self._classify).get_concrete_function(inputs),
            "regress": tf.function(self._regress).get_concrete_function(inputs),
            "transform_features": tf.function(self._prepare_examples).get_concrete_function(examples),
        }

    def _score_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._score(self._prepare_examples(examples))

    def _score_columns(self, columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self._score(
            self._prepare({feature.name: as_sparse(columns[feature.name], feature.kind) for feature in FEATURES})
        )

    def _classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        probability = self._score_examples(inputs)[PROBABILITY]
        classes = tf.repeat(tf.constant([CLASSES]), tf.size(probability), axis=0)
        return {"classes": classes, "scores": tf.stack([probability, 1.0 - probability], axis=1)}

    def _regress(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self._score_examples(inputs)[PROBABILITY]}

    def _prepare_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._prepare(tf.io.parse_example(examples, self._example_spec))

    def _prepare(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        return dict(self._transform(raw))

    def _score(self, prepared: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        members = cast(tf.Tensor, self._network(prepared, training=False))
        return {PROBABILITY: tf.reduce_mean(members, axis=1)}


def network_inputs(network: keras.Model) -> dict[str, tf.TensorSpec]:
    """The prepared features, each of shape [batch]."""
    return {name: tf.TensorSpec([None], tensor.dtype, name=name) for name, tensor in network.input.items()}


def as_sparse(column: tf.Tensor, kind: Kind) -> tf.SparseTensor:
    """A column of shape [batch] as tf.Example would hold it, shape [batch, 1]: no value where it is NaN, "" or missing."""
    if kind is Kind.CATEGORICAL:
        present = tf.logical_and(tf.not_equal(column, ""), tf.not_equal(column, MISSING_CATEGORY))
    elif kind is Kind.FLAG:
        present = tf.ones_like(column, tf.bool)
    else:
        present = tf.logical_not(tf.math.is_nan(column))
    rows = tf.where(present)
    return tf.SparseTensor(
        tf.concat([rows, tf.zeros_like(rows)], axis=1),
        tf.boolean_mask(column, present),
        tf.stack([tf.shape(column, tf.int64)[0], 1]),
    )
