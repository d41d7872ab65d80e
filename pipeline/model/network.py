"""The network: prepared features in, the probability of a late arrival out."""

from collections.abc import Mapping

import keras

from pipeline.config import Train
from pipeline.features import FEATURES, Kind


def embedding_size(vocabulary_size: int) -> int:
    """1.6 n^0.56, at most 600: the rule of thumb of fastai's tabular learner."""
    return min(600, round(1.6 * vocabulary_size**0.56))


def build(settings: Train, vocabulary_sizes: Mapping[str, int]) -> keras.Model:
    """A multilayer perceptron over embedded categories and scaled numbers, compiled.

    Args:
        settings: layers, dropout and learning rate.
        vocabulary_sizes: of each categorical feature; the network adds one index for unseen values.

    Returns:
        A model of a dictionary of tensors of shape [batch] (see `Feature.prepared`) to a probability of shape [batch, 1].
    """
    inputs: dict[str, keras.KerasTensor] = {}
    columns = []
    for feature in FEATURES:
        for name in feature.prepared:
            if feature.kind is Kind.CATEGORICAL:
                size = vocabulary_sizes[name] + 1
                inputs[name] = keras.Input((), name=name, dtype="int64")
                columns.append(keras.layers.Embedding(size, embedding_size(size), name=f"embed_{name}")(inputs[name]))
            else:
                inputs[name] = keras.Input((), name=name, dtype="float32")
                columns.append(keras.layers.Reshape((1,), name=f"column_{name}")(inputs[name]))
    hidden = keras.layers.Concatenate(name="columns")(columns)
    for index, units in enumerate(settings.hidden_units):
        hidden = keras.layers.Dense(units, activation="relu", name=f"hidden_{index}")(hidden)
        hidden = keras.layers.Dropout(settings.dropout, name=f"dropout_{index}")(hidden)
    probability = keras.layers.Dense(1, activation="sigmoid", name="probability")(hidden)
    model = keras.Model(inputs, probability)
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
    )
    return model
