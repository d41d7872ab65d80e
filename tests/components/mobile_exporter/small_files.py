"""TensorFlow Lite files of one line, in the shape of a published one."""

import tempfile
from collections.abc import Callable

import tensorflow as tf


def converted(body: Callable[..., tf.Tensor], *names: str) -> bytes:
    """A file that takes any number of rows.

    Args:
        body: from float32 columns of shape [rows] to the output, in the order of `names`.
        names: of the columns; "x" if there are none.
    """
    module = tf.Module()
    specs = {name: tf.TensorSpec([None], tf.float32, name=name) for name in names or ("x",)}
    function = tf.function(lambda columns: {"probability": body(*columns.values())}, input_signature=[specs], autograph=False)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": function})
        return tf.lite.TFLiteConverter.from_saved_model(folder).convert()
