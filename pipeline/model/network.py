"""The network: prepared features in, each member's answer out."""

import math
from collections.abc import Mapping, Sequence

import keras
from keras import ops

from pipeline.model.heads import BINARY, Head
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.model.layers import Bins, Harmonics, Members, PiecewiseLinear, Readout
from pipeline.problem import Feature, Kind

PIECEWISE = "piecewise"  # a layer


def build(
    features: Sequence[Feature], settings: Hyperparameters, vocabulary_sizes: Mapping[str, int], head: Head = BINARY
) -> keras.Model:
    """Build an ensemble of multilayer perceptrons that share their hidden layers, not compiled.

    Categories are embedded, numbers spread over a piecewise linear basis, cycles over their first harmonics. Each member sees
    them at its own scales, and adds its own log-odds to one prior: the weighted log-odds of the declared shares. When the label
    has drifted, what the members learned to be usual is wrong; the shares of the last days are not. The weights of the prior
    are fixed, because a window of three months holds too little drift to learn them from.

    Args:
        features: the features that it sees, of any kinds.
        settings: sizes and dropout.
        vocabulary_sizes: of each categorical feature; the network adds one index for unseen values.
        head: of the task; by default the binary one.

    Returns:
        A model of a dictionary of tensors of shape [batch] (see `Feature.prepared`) to each member's answer, float32, shape
        [batch, members], or [batch, members, classes]. Their mean is the network's.
    """
    return chained(parts(features, settings, vocabulary_sizes, head))


def parts(
    features: Sequence[Feature], settings: Hyperparameters, vocabulary_sizes: Mapping[str, int], head: Head = BINARY
) -> list[keras.Model]:
    """Build the same network as a chain of models: columns, each hidden layer, readout. A GPipe stage is one or several."""
    chain = [columns(features, settings, vocabulary_sizes)]
    for index, units in enumerate(settings.hidden_units):
        before, prior = (keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in chain[-1].output)
        hidden = before if chain[1:] else Members(settings.members, name="members")(before)
        hidden = keras.layers.Dense(units, activation="relu", name=f"hidden_{index}")(hidden)
        hidden = keras.layers.Dropout(settings.dropout, name=f"dropout_{index}")(hidden)
        chain.append(keras.Model([before, prior], [hidden, prior], name=f"layer_{index}"))
    hidden, prior = (keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in chain[-1].output)
    read = Readout(head.values, name="log_odds")(hidden)
    answers = head.activation()(read + ops.reshape(prior, (-1, 1, *(1 for _ in head.values))))
    return [*chain, keras.Model([hidden, prior], answers, name="readout")]


def chained(parts: Sequence[keras.Model]) -> keras.Model:
    """Make one model of several in a row."""
    outputs = parts[0].output
    for part in parts[1:]:
        outputs = part(outputs)
    return keras.Model(parts[0].input, outputs)


def fill(network: keras.Model, bins: Bins) -> None:
    """Set the bins of a network from `build` that has numbers."""
    network.get_layer(PIECEWISE).set_weights([bins.begins, bins.steepness])


def with_weights(parts: list[keras.Model], whole: keras.Model) -> list[keras.Model]:
    """Give the parts the weights of the network that they make up."""
    weights = iter(whole.get_weights())
    for part in parts:
        part.set_weights([next(weights) for _ in part.weights])
    return parts


def columns(features: Sequence[Feature], settings: Hyperparameters, vocabulary_sizes: Mapping[str, int]) -> keras.Model:
    """Build the model from prepared features to [the members' view, shape [batch, width]; prior log-odds, shape [batch, 1]]."""
    inputs: dict[str, keras.KerasTensor] = {}
    embedded, numbers, cycles, plain = [], [], [], []
    shares: list[keras.KerasTensor] = []  # weighted log-odds
    for feature in features:
        dtype = "int64" if feature.kind is Kind.CATEGORICAL else "float32"
        inputs |= {name: keras.Input((), name=name, dtype=dtype) for name in feature.prepared}
        tensors = [inputs[name] for name in feature.prepared]
        match feature.kind:
            case Kind.CATEGORICAL:
                size = vocabulary_sizes[feature.name] + 1
                embedded.append(keras.layers.Embedding(size, embedding_size(size), name=f"embed_{feature.name}")(tensors[0]))
            case Kind.NUMERIC:
                numbers.append(tensors[0])
                plain += tensors[1:]
            case Kind.CYCLIC:
                cycles.append(ops.stack(tensors, axis=1))
            case Kind.FLAG:
                plain += tensors
            case Kind.SHARE:
                shares.append(feature.prior * (ops.log(tensors[0]) - ops.log(1 - tensors[0])))
    seen = []
    if embedded:
        dropout = keras.layers.Dropout(settings.embedding_dropout, name="embedding_dropout")
        seen.append(dropout(ops.concatenate(embedded, axis=1)))
    if numbers:
        seen.append(PiecewiseLinear(name=PIECEWISE)(ops.stack(numbers, axis=1)))
    seen += [Harmonics(settings.harmonics, name=f"harmonics_{index}")(cycle) for index, cycle in enumerate(cycles)]
    if plain:
        seen.append(ops.stack(plain, axis=1))
    shown = ops.concatenate(seen, axis=1) if seen else ops.stack(shares, axis=1)
    prior = ops.expand_dims(sum(shares[1:], shares[0]), axis=1) if shares else ops.zeros_like(shown[:, :1])
    return keras.Model(inputs, [shown, prior], name="columns")


def embedding_size(vocabulary_size: int) -> int:
    """Return the power of two nearest to 1.6 n^0.56, the rule of thumb of fastai's tabular learner.

    A power of two, so that a few new keys leave the width, and a warm start, as they are.
    """
    return 2 ** round(math.log2(1.6 * vocabulary_size**0.56))
