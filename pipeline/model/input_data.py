"""Transformed examples as batches of tensors, shuffled anew in each epoch in an order that a seed settles.

Nothing here touches a single row: examples are parsed, cached, shuffled and cut in blocks, which is what makes reading several
times as fast as training (`make bench-train`).
"""

from collections.abc import Callable

import tensorflow as tf

BLOCK_ROWS = 8192  # parsed at a time: parsing costs far less a block than a row
SHUFFLE_BLOCKS = 32  # shuffled together: 262,144 rows, taken from the whole split at random


def blocks(files: list[str], feature_spec: dict) -> tf.data.Dataset:
    """The rows in blocks, held in memory after the first pass: about 250 bytes a row of the example.

    Args:
        files: gzipped TFRecords of serialized tf.Example; shards are read in parallel, and always come in this order.
        feature_spec: tf.Transform's transformed feature spec, the label included.

    Returns:
        Dictionaries of tensors of shape [BLOCK_ROWS], or less for the last one.
    """
    shards = tf.data.Dataset.from_tensor_slices(files)
    records = shards.interleave(
        lambda path: tf.data.TFRecordDataset(path, compression_type="GZIP").batch(BLOCK_ROWS),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return records.rebatch(BLOCK_ROWS).map(lambda block: tf.io.parse_example(block, feature_spec), tf.data.AUTOTUNE).cache()


def count(blocks: tf.data.Dataset) -> int:
    """Number of rows."""
    return int(blocks.reduce(tf.constant(0, tf.int64), lambda rows, block: rows + rows_of(block)))


def in_order(blocks: tf.data.Dataset, label: str) -> tf.data.Dataset:
    """Pairs of features and label, a block each: for evaluation."""
    return blocks.map(lambda block: split_label(block, label), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def shuffled(blocks: tf.data.Dataset, label: str, batch_size: int, seed: int) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Batches for training.

    Args:
        blocks: from `blocks`.
        label: name of the label.
        batch_size: rows a batch, over all replicas; the last one of SHUFFLE_BLOCKS may be smaller.
        seed: with the epoch, settles the order.

    Returns:
        From an epoch (an integer scalar, a graph's tensor too) to pairs of features (name to tensor of shape [rows]) and label
        (shape [rows]). The order depends on seed and epoch alone, so an interrupted training can be taken up.
    """

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        epoch_seed = seed + tf.cast(epoch, tf.int64)
        order = blocks.shuffle(10 * SHUFFLE_BLOCKS, seed=epoch_seed, reshuffle_each_iteration=False)
        return order.rebatch(BLOCK_ROWS * SHUFFLE_BLOCKS).enumerate().flat_map(lambda *group: cut(epoch_seed, *group))

    def cut(epoch_seed: tf.Tensor, index: tf.Tensor, group: dict[str, tf.Tensor]) -> tf.data.Dataset:
        rows = rows_of(group)
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), seed=tf.stack([epoch_seed, index]))

        def batch(start: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
            picked = order[start : start + batch_size]
            return split_label({name: tf.gather(column, picked) for name, column in group.items()}, label)

        return tf.data.Dataset.range(0, rows, batch_size).map(batch, tf.data.AUTOTUNE)

    return epoch_batches


def rows_of(block: dict[str, tf.Tensor]) -> tf.Tensor:
    """int64 scalar."""
    return tf.shape(next(iter(block.values())), tf.int64)[0]


def split_label(block: dict[str, tf.Tensor], label: str) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Features and label apart."""
    return {name: column for name, column in block.items() if name != label}, block[label]
