"""Start a training from the weights of the model in production."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from components.shared.errors import BadConfig
from pipeline.model.signatures import checkpoint_name


def load(network: keras.Model, folder: Path, vocabularies: Mapping[str, list[bytes]]) -> None:
    """Set the network's weights to those of a SavedModel that `signatures.ServingModel` wrote.

    Args:
        network: from `network.build`.
        folder: of the SavedModel; nothing is loaded if it is missing, as in the first run.
        vocabularies: of this training, of each categorical feature. Embeddings follow their key, not their position; a key that
            the other model did not know starts as that model's embedding of unseen values.

    Raises:
        BadConfig: its network has other layers or other sizes.
    """
    if not tf.io.gfile.exists(str(folder)):
        logging.info("Warm start: nothing is in production, so the weights start at random")
        return
    saved = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    loaded = []
    for weight in network.weights:
        key = f"_weights/{checkpoint_name(weight)}/.ATTRIBUTES/VARIABLE_VALUE"
        if not saved.has_tensor(key):
            raise BadConfig(
                f"train.warm_start: the model in production has no {weight.path}; expected one that this code, or this kind of "
                "features, made. Train once with train.warm_start=false."
            )
        value = saved.get_tensor(key)
        feature = weight.path.split("/")[-2].removeprefix("embed_")
        if feature in vocabularies and value.ndim == len(weight.shape):
            before = (folder / "assets" / feature).read_bytes().splitlines()
            value = by_key(value, before, vocabularies[feature])
        if value.shape != tuple(weight.shape):
            raise BadConfig(
                f"train.warm_start: {weight.path} has shape {tuple(weight.shape)}, in production {value.shape}; expected the "
                "hyperparameters and features of the model in production. Set train.warm_start=false to change them."
            )
        loaded.append(value)
    network.set_weights(loaded)
    logging.info("Warm start: %d weights from %s", len(loaded), folder)


def by_key(embeddings: np.ndarray, before: list[bytes], after: list[bytes]) -> np.ndarray:
    """Put the rows of embeddings in the order of another vocabulary.

    Args:
        embeddings: shape [len(before) + 1, width]; the last row is that of unseen values, here and in what is returned.
        before, after: the keys of the rows, and those wanted.
    """
    position = {key: index for index, key in enumerate(before)}
    return embeddings[[*(position.get(key, len(before)) for key in after), len(before)]]
