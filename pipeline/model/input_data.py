"""Read transformed examples into batches of tensors, shuffled anew in each epoch in an order that a seed decides.

Nothing here handles a single row or column: a split is one matrix for each dtype, held in memory, and a batch some rows of it.
That makes reading ten times as fast as training on the machine that trains (`make bench-train`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.shared import memory

SAMPLE = 100_000  # rows, of which a twelfth is known to 1 % of itself
READ_ROWS = 1024  # parsed and evaluated at a time: 8,192 are no faster, and take 100 MB more
Packed = dict[str, tf.Tensor]  # dtype to the features of that dtype, shape [rows, features]


@dataclass(frozen=True)
class SplitRows:
    """A split in memory, 4 or 8 bytes a value, in variables: a dataset's graph would hold a copy of a tensor.

    Attributes:
        packed: its features, since two matrices are read, and handed to a step, faster than forty columns.
        label: shape [rows].
        names: of the features, by dtype.
    """

    packed: dict[str, tf.Variable]
    label: tf.Tensor
    names: dict[str, list[str]]

    def numbers(self, names: list[str]) -> np.ndarray:
        """Return float32 features by name, shape [rows, names], of at most SAMPLE rows, evenly spaced."""
        places, step = [self.names["float32"].index(name) for name in names], -(-len(self.label) // SAMPLE)
        return self.packed["float32"][::step].numpy()[:, places]

    def unpack(self, packed: Packed) -> dict[str, tf.Tensor]:
        """Return the features by name, each of shape [rows]."""
        return {
            name: column
            for dtype, names in self.names.items()
            for name, column in zip(names, tf.unstack(packed[dtype], len(names), axis=1), strict=True)
        }


def read(files: list[str], feature_spec: dict, label: str) -> SplitRows:
    """Read the rows of a split.

    Args:
        files: gzipped TFRecords of serialized tf.Example; shards are read in parallel, but kept in this order.
        feature_spec: tf.Transform's transformed feature spec, the label included; each feature of shape [].
        label: name of the label.
    """
    features = sorted(feature_spec.keys() - {label})
    names = {
        dtype: [name for name in features if feature_spec[name].dtype.name == dtype]
        for dtype in sorted({feature_spec[name].dtype.name for name in features})
    }

    def pack(records: tf.Tensor) -> tuple[Packed, tf.Tensor]:
        columns = tf.io.parse_example(records, feature_spec)
        return {dtype: tf.stack([columns[name] for name in names[dtype]], axis=1) for dtype in names}, columns[label]

    shards = tf.data.Dataset.from_tensor_slices(files)
    records = shards.interleave(
        lambda path: tf.data.TFRecordDataset(path, compression_type="GZIP").batch(READ_ROWS),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    blocks = list(records.rebatch(READ_ROWS).map(pack, tf.data.AUTOTUNE))
    with tf.device("/cpu:0"):
        whole = {dtype: tf.concat([block.pop(dtype) for block, _ in blocks], axis=0) for dtype in names}
        packed = {dtype: tf.Variable(matrix, trainable=False) for dtype, matrix in whole.items()}
        labels = tf.concat([part for _, part in blocks], axis=0)
    del blocks, whole
    memory.give_back()  # as much as the matrices take
    return SplitRows(packed, labels, names)


def in_order(rows: SplitRows) -> tf.data.Dataset:
    """Make batches of READ_ROWS for evaluation: pairs of packed features and label."""
    return tf.data.Dataset.from_tensor_slices((rows.packed, rows.label)).batch(READ_ROWS)


def shuffled(rows: SplitRows, batch_size: int, seed: int) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Make batches for training.

    Args:
        rows: from `read`.
        batch_size: rows a batch, over all replicas; the last one may be smaller.
        seed: decides the order, with the epoch and nothing else, so that an interrupted training can resume.

    Returns:
        A function of an epoch (an integer scalar, in a graph too) to its batches, pairs of packed features and label.
    """
    count = len(rows.label)

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed=tf.stack([seed, tf.cast(epoch, tf.int64)]))

        def batch(start: tf.Tensor) -> tuple[Packed, tf.Tensor]:
            picked = order[start : start + batch_size]
            return {dtype: tf.gather(matrix, picked) for dtype, matrix in rows.packed.items()}, tf.gather(rows.label, picked)

        return tf.data.Dataset.range(0, count, batch_size).map(batch, tf.data.AUTOTUNE)

    return epoch_batches
