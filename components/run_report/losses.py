"""Read the loss by epoch from the logs of Keras' TensorBoard callback."""

import math
from itertools import takewhile
from pathlib import Path

import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator  # type: ignore[import-untyped]

FOLDERS = {"train": "train", "eval": "validation"}  # by what the page calls them
TAG = "epoch_loss"


def losses(folder: Path) -> dict[str, list[float]]:
    """Read the losses in a ModelRun's folder, one per epoch, by name; if one diverged, those before its first NaN."""
    found = {name: _losses(folder / logs) for name, logs in FOLDERS.items() if (folder / logs).is_dir()}
    return {name: values for name, values in found.items() if values}


def _losses(folder: Path) -> list[float]:
    logs = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload()  # 0: all of them
    if TAG not in logs.Tags()[TENSORS]:
        return []
    by_epoch = {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in logs.Tensors(TAG)}
    return list(takewhile(math.isfinite, (by_epoch[epoch] for epoch in sorted(by_epoch))))
