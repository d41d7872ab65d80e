"""A model that does nothing: the time that a server needs to answer with it is that of server and machine."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from components.canary.replay import OUTPUT


def save(folder: Path, columns: Mapping[str, str]) -> Path:
    """Write a SavedModel with our signatures, `serving_default` and `raw`, which answers 0.5 to any row.

    Args:
        folder: for the SavedModel.
        columns: raw columns, name to dtype.
    """

    def answer(**given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT: tf.fill(tf.shape(next(iter(given.values())))[:1], 0.5)}

    signatures = {"serving_default": {"examples": "string"}, "raw": columns}
    tf.saved_model.save(
        tf.Module(),
        str(folder),
        {
            name: tf.function(answer).get_concrete_function(
                **{each: tf.TensorSpec([None], tf.as_dtype(dtype), each) for each, dtype in inputs.items()}
            )
            for name, inputs in signatures.items()
        },
    )
    return folder
