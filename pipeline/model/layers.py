"""The network's own layers: how numbers, cycles and members of the ensemble are seen, and what is read of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import keras
import numpy as np
from keras import ops

BINS = 12  # of a number
NARROWEST = 1e-5  # of a bin: float32 tells a hundred places in it apart near 4
FARTHEST = 1e9  # of a number: infinity times the 0 of a bin that is not used would be NaN


@dataclass(frozen=True)
class Bins:
    """Where the bins of numbers begin, and the inverse of their widths, each float32, of shape [n, BINS]."""

    begins: np.ndarray
    steepness: np.ndarray

    @classmethod
    def between_quantiles(cls, numbers: np.ndarray) -> Self:
        """Put the bins between the quantiles of numbers, shape [rows, n]. A number with few values has as few bins."""
        shape = numbers.shape[1], BINS
        begins, steepness = np.zeros(shape, "float32"), np.zeros(shape, "float32")
        of_all = np.quantile(numbers, np.linspace(0, 1, BINS + 1), axis=0, method="nearest")  # values that occur
        for number, quantiles in enumerate(of_all.T):
            edges = quantiles[np.append(np.diff(quantiles) > NARROWEST, True)]
            begins[number, : len(edges) - 1], steepness[number, : len(edges) - 1] = edges[:-1], 1 / np.diff(edges)
        return cls(begins, steepness)


class PiecewiseLinear(keras.layers.Layer):
    """A layer from numbers, shape [batch, n], to [batch, n * (1 + BINS)]: each clipped to 4, and how far it is in each bin.

    The piecewise linear encoding of Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning"
    (arXiv 2203.05556). Bins are between quantiles, which `Bins` finds, so that a price with a long tail fills as many as one
    without; before, they are half a standard deviation wide. In float32 whatever the policy: bins of a long tail are narrow.
    """

    def __init__(self, **options):
        super().__init__(**options | {"dtype": "float32"})

    def build(self, shape):
        begins = np.tile(np.linspace(-3, 3, BINS, endpoint=False, dtype="float32"), (shape[-1], 1))
        self.begins = self.add_weight(begins.shape, initializer=lambda *_, **__: begins, trainable=False, name="begins")
        self.steepness = self.add_weight(
            begins.shape, initializer=lambda *_, **__: 0 * begins + 2, trainable=False, name="steepness"
        )

    def call(self, scores):
        held = ops.clip(scores, -FARTHEST, FARTHEST)[:, :, None]
        through = (held - self.begins) * self.steepness
        encoded = ops.concatenate([ops.clip(scores, -4, 4)[:, :, None], ops.clip(through, 0, 1)], axis=2)
        return ops.reshape(encoded, (-1, scores.shape[1] * (1 + BINS)))


class Harmonics(keras.layers.Layer):
    """A layer from (share of a cycle, whether it is missing), shape [batch, 2], to sines and cosines of its multiples.

    The output has shape [batch, 2 * harmonics] and is the circle's centre, zeros, for a missing value. In float32 whatever the
    policy: bfloat16 tells minutes of a day apart only from five to five.
    """

    def __init__(self, harmonics: int, **options):
        super().__init__(**options | {"dtype": "float32"})
        self.harmonics = harmonics

    def call(self, point):
        turn, missing = point[:, :1], point[:, 1:]
        angles = turn * (2 * np.pi * np.arange(1, self.harmonics + 1, dtype="float32"))
        return (1 - missing) * ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1)

    def get_config(self):
        return super().get_config() | {"harmonics": self.harmonics}


class Members(keras.layers.Layer):
    """A layer that gives each member of the ensemble the columns times its own scales, which start as random signs.

    The "mini" form of TabM, Gorishniy et al. 2024 (arXiv 2410.24210). From [batch, width] to [batch, members, width].
    """

    def __init__(self, members: int, **options):
        super().__init__(**options)
        self.members = members

    def build(self, shape):
        uniform = keras.initializers.RandomUniform(-1, 1)
        self.scale = self.add_weight(
            (self.members, shape[-1]), initializer=lambda shape, dtype: ops.sign(uniform(shape, dtype)), name="scale"
        )

    def call(self, columns):
        return ops.expand_dims(columns, 1) * self.scale

    def get_config(self):
        return super().get_config() | {"members": self.members}


class Readout(keras.layers.Layer):
    """A layer from each member's hidden units to its log-odds, or its number, before the head's activation.

    From [batch, members, units] to [batch, members, *values]; `values` is a head's.
    """

    def __init__(self, values: Sequence[int] = (), **options):
        super().__init__(**options)
        self.values = tuple(values)

    def build(self, shape):
        _, members, units = shape
        self.kernel = self.add_weight(
            (members, units, *self.values), initializer=keras.initializers.RandomNormal(stddev=units**-0.5), name="kernel"
        )
        self.bias = self.add_weight((members, *self.values), initializer="zeros", name="bias")

    def call(self, hidden):
        if not self.values:
            return ops.sum(hidden * self.kernel, axis=2) + self.bias
        by_member = ops.matmul(ops.transpose(hidden, (1, 0, 2)), self.kernel)
        return ops.transpose(by_member, (1, 0, 2)) + self.bias

    def get_config(self):
        return super().get_config() | {"values": self.values}
