"""Transformed examples as batches of tensors."""

import tensorflow as tf


def dataset(
    files: list[str], feature_spec: dict, label: str, batch_size: int, shuffle_seed: int | None = None
) -> tf.data.Dataset:
    """Batches of parsed examples, held in memory after the first pass.

    Args:
        files: gzipped TFRecords of serialized tf.Example.
        feature_spec: tf.Transform's transformed feature spec, the label included.
        label: name of the label.
        batch_size: rows a batch; the last one may be smaller.
        shuffle_seed: shuffles the rows anew in each pass; None keeps their order.

    Returns:
        Pairs of features (name to tensor of shape [batch]) and label (shape [batch]).
    """
    rows = tf.data.TFRecordDataset(files, compression_type="GZIP", num_parallel_reads=1)
    # Rows are parsed a large batch at a time, then cut anew: parsing costs far less a batch than a row.
    parsed = rows.batch(8192).map(lambda batch: tf.io.parse_example(batch, feature_spec), tf.data.AUTOTUNE).unbatch().cache()
    if shuffle_seed is not None:
        parsed = parsed.shuffle(100_000, seed=shuffle_seed, reshuffle_each_iteration=True)

    def split_label(batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        return {name: value for name, value in batch.items() if name != label}, batch[label]

    return parsed.batch(batch_size).map(split_label, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
