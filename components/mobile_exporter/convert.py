"""Convert a SavedModel and its preprocessing to one TensorFlow Lite file, of raw values to a probability."""

import tempfile
from collections.abc import Mapping

import tensorflow as tf

from components.mobile_exporter.replay import TransformGraph
from components.shared.errors import NotConvertible
from components.shared.phone.runtime import OUTPUT, SIGNATURE


class MobileModel(tf.Module):
    """Preprocessing and network, on dense raw columns.

    Args:
        model: the Trainer's SavedModel; its function `network` takes prepared features.
        transform: the preprocessing.
        columns: raw columns, name to dtype ("string", "float32" or "int64").
        batch: rows for each call; None: any number. 1 is faster, and what a phone needs.
    """

    def __init__(self, model: tf.Module, transform: TransformGraph, columns: Mapping[str, str], batch: int | None):
        super().__init__()
        network = model.network.concrete_functions[0]
        # Attributes, or they are not saved. Not the whole model and transform: the converter loads what is saved three times.
        self._weights, self._tables = network.variables, transform.tables
        specs = {name: tf.TensorSpec([batch], dtype, name=name) for name, dtype in columns.items()}
        (prepared,), _ = network.structured_input_signature

        def score(raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return {OUTPUT: model.network(transform(raw, sorted(prepared)))[OUTPUT]}

        self.score = tf.function(score, input_signature=[specs], autograph=False)


def to_tflite(model: tf.Module, transform: TransformGraph, columns: Mapping[str, str], batch: int | None) -> bytes:
    """Convert to the float32 file, with builtin operations only. See `MobileModel` for the arguments.

    Raises:
        NotConvertible: naming the prepared features whose preprocessing does not convert.
    """
    whole = MobileModel(model, transform, columns, batch)
    try:
        return _convert(whole, whole.score)
    except Exception as error:
        if isinstance(error, NotConvertible):
            raise
        raise NotConvertible(
            f"TensorFlow Lite cannot express {culprits(transform, columns, batch) or 'the network'}: {str(error)[:500]}\n"
            "Expected operations that it has built in; prepare these features with others."
        ) from error


def _convert(module: tf.Module, function) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={SIGNATURE: function})
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE]).convert()


def culprits(transform: TransformGraph, columns: Mapping[str, str], batch: int | None) -> str:
    """Name the prepared features that do not convert by themselves."""
    found = []
    for name in transform.outputs:
        module = tf.Module()
        module.tables = transform.tables
        specs = {column: tf.TensorSpec([batch], dtype, name=column) for column, dtype in columns.items()}
        try:
            _convert(
                module, tf.function(lambda raw, name=name: transform(raw, [name]), input_signature=[specs], autograph=False)
            )
        except Exception:
            found.append(name)
    return ", ".join(found)
