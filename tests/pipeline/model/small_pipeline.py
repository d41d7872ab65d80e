"""A program: the network in as many stages as asked for, beside the same network whole; prints what differs, as JSON.

Logical devices are settled when TensorFlow starts, so each number of them needs a process of its own.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from pipeline.model import distribution, gpipe, loops, network
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.problem import Kind
from tests.neutral import FEATURES

ROWS, BATCH, MICRO_BATCHES = 150, 50, 4  # 12, 13, 12 and 13 rows
SIZES = {feature.name: 5 for feature in FEATURES if feature.kind is Kind.CATEGORICAL}
SETTINGS = Hyperparameters(
    learning_rate=0.01, weight_decay=0.1, hidden_units=[16, 8], members=2, dropout=0.0, embedding_dropout=0.0
)


def rows() -> tuple[dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(1)
    features = {}
    for feature in FEATURES:
        for name in feature.prepared:
            categorical = feature.kind is Kind.CATEGORICAL
            features[name] = random.integers(0, 6, ROWS) if categorical else random.uniform(0.1, 0.9, ROWS).astype("float32")
    return features, (features["distance"] > 0.5).astype("int64")  # something to learn


def adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True, ema_momentum=0.5)


def main(counts: list[int]) -> None:
    """The largest one first: it settles how many devices there are."""
    distribution.create("pipeline", max(counts))
    devices = distribution.several_devices("pipeline", max(counts))
    print(json.dumps({count: staged_beside_whole(devices[:count]) for count in counts}))


def staged_beside_whole(devices: list[str]) -> dict:
    keras.utils.set_random_seed(1)
    whole = loops.create(tf.distribute.get_strategy(), lambda: network.build(FEATURES, SETTINGS, SIZES), adam)
    parts = network.with_weights(network.parts(FEATURES, SETTINGS, SIZES), whole)
    staged = gpipe.GPipe(parts, devices, MICRO_BATCHES, adam)
    features, label = rows()
    batch = tf.data.Dataset.from_tensor_slices((features, label)).batch(BATCH)
    first = loops.with_share(*next(iter(batch)))
    with tf.GradientTape() as tape:
        losses, _ = whole.score(*first[:2], training=True)
        loss = tf.reduce_mean(losses)
    expected = tape.gradient(loss, [variable.value for variable in whole.trainable_variables])
    pieces = [gpipe.cut(first, index, MICRO_BATCHES) for index in range(MICRO_BATCHES)]
    found = [sum(map(tf.convert_to_tensor, same)) for same in zip(*(gradients(staged, piece) for piece in pieces), strict=True)]
    placed = {
        device: [[variable.value.device for variable in holder.variables] for holder in (stage, one)]
        for device, stage, one in zip(devices, staged.stages, staged.optimizer.each, strict=True)
    }
    plan = {"batches": lambda _: batch, "steps": 3, "validation": batch}
    histories = [loops.train("custom", model, epochs=2, **plan) for model in (whole, staged)]
    after = largest(whole.get_weights(), staged.get_weights())
    by_fit = loops.train("fit", staged, epochs=1, **plan)
    return {
        "gradients": largest([tf.convert_to_tensor(one) for one in expected], found),
        "weights": after,
        "losses": [[epoch["val_loss"] for epoch in history] for history in histories],
        "fit": by_fit[0]["val_loss"],
        "placed": placed,
    }


def gradients(staged: gpipe.GPipe, piece: tuple) -> list:
    """Of the loss of one micro-batch by every trainable variable."""
    return [gradient for stage in staged.there_and_back(*piece)[2] for gradient in stage]


def largest(one, other) -> float:
    """Difference between two lists of arrays."""
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]])
