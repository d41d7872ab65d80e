"""Transformed examples as batches of tensors, shuffled anew in each epoch in an order that a seed settles.

Nothing here touches a single row or column: examples are parsed, packed, cached, shuffled and cut in blocks, which is what
makes reading ten times as fast as training on the machine that trains (`make bench-train`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

BLOCK_ROWS = 8192  # parsed at a time: parsing costs far less a block than a row
SHUFFLE_BLOCKS = 32  # shuffled together: 262,144 rows, taken from the whole split at random
Batch = tuple[dict[str, tf.Tensor], tf.Tensor]  # features (name to tensor of shape [rows]) and label (shape [rows])


@dataclass(frozen=True)
class Rows:
    """A split, held in memory after the first pass: 4 or 8 bytes a value.

    Attributes:
        blocks: dictionaries of dtype to a matrix of shape [BLOCK_ROWS, columns] (the last one may be shorter): two matrices are
            shuffled in a tenth of the time that forty columns take.
        names: of the columns, by dtype.
        label: which of them is the label.
    """

    blocks: tf.data.Dataset
    names: dict[str, list[str]]
    label: str

    def unpack(self, block: dict[str, tf.Tensor]) -> Batch:
        """Features and label."""
        columns = {
            name: column
            for dtype, names in self.names.items()
            for name, column in zip(names, tf.unstack(block[dtype], len(names), axis=1), strict=True)
        }
        label = columns.pop(self.label)
        return columns, label


def read(files: list[str], feature_spec: dict, label: str) -> Rows:
    """The rows of a split.

    Args:
        files: gzipped TFRecords of serialized tf.Example; shards are read in parallel, and always come in this order.
        feature_spec: tf.Transform's transformed feature spec, the label included; each feature of shape [].
        label: name of the label.
    """
    names: dict[str, list[str]] = {dtype.name: [] for dtype in {spec.dtype for spec in feature_spec.values()}}
    for name, spec in sorted(feature_spec.items()):
        names[spec.dtype.name].append(name)

    def pack(records: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = tf.io.parse_example(records, feature_spec)
        return {dtype: tf.stack([columns[name] for name in names[dtype]], axis=1) for dtype in names}

    shards = tf.data.Dataset.from_tensor_slices(files)
    records = shards.interleave(
        lambda path: tf.data.TFRecordDataset(path, compression_type="GZIP").batch(BLOCK_ROWS),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return Rows(records.rebatch(BLOCK_ROWS).map(pack, tf.data.AUTOTUNE).cache(), names, label)


def count(rows: Rows) -> int:
    """Number of rows."""
    return int(rows.blocks.reduce(tf.constant(0, tf.int64), lambda total, block: total + length(block)))


def in_order(rows: Rows) -> tf.data.Dataset:
    """Batches of BLOCK_ROWS, for evaluation."""
    return rows.blocks.map(rows.unpack, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def shuffled(rows: Rows, batch_size: int, seed: int) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Batches for training.

    Args:
        rows: from `read`.
        batch_size: rows a batch, over all replicas; the last one of SHUFFLE_BLOCKS may be smaller.
        seed: with the epoch, settles the order.

    Returns:
        From an epoch (an integer scalar, a graph's tensor too) to its batches. The order depends on seed and epoch alone, so an
        interrupted training can be taken up.
    """

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        epoch_seed = seed + tf.cast(epoch, tf.int64)
        order = rows.blocks.shuffle(10 * SHUFFLE_BLOCKS, seed=epoch_seed, reshuffle_each_iteration=False)
        return order.rebatch(BLOCK_ROWS * SHUFFLE_BLOCKS).enumerate().flat_map(lambda *group: cut(epoch_seed, *group))

    def cut(epoch_seed: tf.Tensor, index: tf.Tensor, group: dict[str, tf.Tensor]) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(length(group)), seed=tf.stack([epoch_seed, index]))

        def batch(start: tf.Tensor) -> Batch:
            picked = order[start : start + batch_size]
            return rows.unpack({dtype: tf.gather(matrix, picked) for dtype, matrix in group.items()})

        return tf.data.Dataset.range(0, length(group), batch_size).map(batch, tf.data.AUTOTUNE)

    return epoch_batches


def length(block: dict[str, tf.Tensor]) -> tf.Tensor:
    """Rows of a block, int64 scalar."""
    return tf.shape(next(iter(block.values())), tf.int64)[0]
