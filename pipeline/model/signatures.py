"""The SavedModel's signatures, which a server answers, preprocessing included."""

from collections.abc import Callable
from typing import Any, cast

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components.shared.target import TRANSFORM_LABELS
from pipeline.model.preprocessing import label
from pipeline.problem import MISSING_CATEGORY, Declaration, Kind, inputs


def checkpoint_name(weight: keras.Variable) -> str:
    """Return the weight's name in the SavedModel's checkpoint; a slash or a dot would be escaped there."""
    return weight.path.replace("/", "-")


class ServingModel(tf.Module):
    """Preprocessing and network in one SavedModel. Signatures:

    - `serving_default`: `examples`, serialized tf.Example, shape [batch] -> the answer, float32: `probability` or `prediction`,
      shape [batch], or `probabilities`, shape [batch, classes], as the task has it.
    - `raw`: a tensor of shape [batch] a feature, named as the feature; NaN or "" where it is missing -> the answer.
    - `classify`, of classes: `inputs`, serialized tf.Example, shape [batch] -> `classes` and `scores`, shape [batch, classes];
      `regress`, of one value: to `outputs`, shape [batch]: the names that TensorFlow Serving's Classify and Regress look for.
    - `transform_labels`, of classes: `examples` -> the label's column, int64, shape [batch]; TFMA takes it in place of texts.
    - `transform_features`: `examples` -> the prepared features, each of shape [batch]; for TFMA and for debugging.
    """

    def __init__(self, network: keras.Model, transform_output: tft.TFTransformOutput, declaration: Declaration):
        super().__init__()
        self._task, self._classes = declaration.task, declaration.classes
        self._label, self._kinds = declaration.label, {feature.name: feature.kind for feature in declaration.features}
        self._columns = inputs(declaration.features)
        # Only the graph: tf.Transform's Keras layer around it takes longer to save than all the rest.
        self._transform = tf.saved_model.load(transform_output.transform_savedmodel_dir)
        # Without this list the model would be saved without its weights. The model itself is no attribute: saving would walk
        # all of its layers and find nothing.
        self._weights = {checkpoint_name(weight): weight.value for weight in network.weights}
        raw = transform_output.raw_feature_spec()
        self._example_spec = {name: spec for name, spec in raw.items() if name != declaration.label}

        def score(prepared: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            members = cast(tf.Tensor, network(prepared, training=False))
            return {declaration.task.output: tf.reduce_mean(members, axis=1)}

        # No signatures, but saved once for all callers. The mobile export puts other preprocessing before `network`.
        self.network = graph(score, network_inputs(network))
        self._prepare_examples = graph(self._parse_and_prepare, tf.TensorSpec([None], tf.string, name="examples"))

    def save(self, folder: str) -> None:
        """Write the SavedModel."""
        tf.saved_model.save(self, folder, signatures=self.signatures())

    def signatures(self) -> dict[str, Callable]:
        """Return the functions by signature name."""
        examples = tf.TensorSpec([None], tf.string, name="examples")
        inputs = tf.TensorSpec([None], tf.string, name="inputs")
        columns = {name: tf.TensorSpec([None], dtype, name=name) for name, dtype in self._columns.items()}
        found = {
            "serving_default": graph(self._score_examples, examples),
            "raw": graph(self._score_columns, columns),
            "transform_features": self._prepare_examples,
        }
        if self._classes:
            found[TRANSFORM_LABELS] = graph(self._parse_label, examples)
        if self._task.bounded:
            found["classify"] = graph(self._classify, inputs)
        if not self._classes:
            found["regress"] = graph(self._regress, inputs)
        return found

    def _score_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.network(self._prepare_examples(examples))

    def _score_columns(self, columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        raw = {name: as_sparse(columns[name], kind) for name, kind in self._kinds.items()}
        return self.network(self._prepare(raw))

    def _classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = self._score_examples(inputs)[self._task.output]
        if not self._classes:
            scores = tf.stack([scores, 1.0 - scores], axis=1)
        names = tf.constant([self._classes or [self._label, f"not {self._label}"]])
        return {"classes": tf.repeat(names, tf.shape(scores)[0], axis=0), "scores": scores}

    def _regress(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self._score_examples(inputs)[self._task.output]}

    def _parse_label(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(examples, {self._label: tf.io.VarLenFeature(tf.string)})
        return {self._label: label(raw[self._label], self._classes)}

    def _parse_and_prepare(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(examples, self._example_spec)
        return self._prepare({name: without_empty(column) for name, column in raw.items()})

    def _prepare(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        rows = next(iter(raw.values())).dense_shape[0]
        unknown = tf.SparseTensor(tf.zeros([0, 2], tf.int64), tf.zeros([0], self._task.label_dtype), [rows, 1])
        prepared = self._transform.transform_fn(raw | {self._label: unknown})
        return {name: tensor for name, tensor in prepared.items() if name != self._label}


def graph(function: Callable, signature: Any) -> Callable:
    """Make a TensorFlow function of one argument, without AutoGraph, which nothing here needs."""
    return tf.function(function, input_signature=[signature], autograph=False)


def network_inputs(network: keras.Model) -> dict[str, tf.TensorSpec]:
    """Return the specs of the prepared features, each of shape [batch]."""
    return {name: tf.TensorSpec([None], tensor.dtype, name=name) for name, tensor in network.input.items()}


def without_empty(column: tf.SparseTensor) -> tf.SparseTensor:
    """Leave out empty texts, which are missing values in files too; a column of numbers stays as it is."""
    return tf.sparse.retain(column, tf.not_equal(column.values, "")) if column.dtype == tf.string else column


def as_sparse(column: tf.Tensor, kind: Kind) -> tf.SparseTensor:
    """Turn a column, shape [batch], into what tf.Example would hold, [batch, 1]: no value where it is NaN, "" or missing."""
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
