"""A small training on made rows, for the tests of strategies and loops.

Also a program, since logical devices, TF_CONFIG and a SIGKILL each need a process of their own: `python -m` with a JSON object.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from pipeline.model import distribution, loops
from pipeline.model.backup import History
from tests.neutral import LABEL, SHOPS

ROWS, BATCH, STEPS, EPOCHS = 2054, 256, 9, 3  # the last batch has 6 rows: 2, 2, 2 and 0 for four replicas
FIGURES = ("loss", "auc", "val_loss", "val_auc")  # of each epoch


def columns(parcels: pd.DataFrame) -> dict[str, np.ndarray]:
    """Four features and the label of the first ROWS rows."""
    few = parcels.sample(ROWS, random_state=1)
    return {
        "shop": few.shop.astype("category").cat.codes.to_numpy("int64"),
        "distance": (few.distance / 1000).to_numpy("float32"),
        "ordered": (few.ordered / 1440).to_numpy("float32"),
        LABEL: few[LABEL].to_numpy("int64"),
    }


def build(dropout: float = 0.0) -> keras.Model:
    inputs = {
        "shop": keras.Input((), name="shop", dtype="int64"),
        "distance": keras.Input((), name="distance"),
        "ordered": keras.Input((), name="ordered"),
    }
    numbers = [keras.layers.Reshape((1,))(inputs[name]) for name in ("distance", "ordered")]
    hidden = keras.layers.Concatenate()([keras.layers.Embedding(len(SHOPS), 4)(inputs["shop"]), *numbers])
    hidden = keras.layers.Dropout(dropout)(keras.layers.Dense(16, activation="relu")(hidden))
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))


def optimizer() -> keras.optimizers.Optimizer:
    """Adam with all that a loop can get wrong: a schedule, and averaged weights that are swapped in at the end."""
    schedule = keras.optimizers.schedules.CosineDecay(0.02, STEPS * EPOCHS)
    return keras.optimizers.Adam(schedule, use_ema=True, ema_momentum=0.9)


def batches(data: dict[str, np.ndarray], epoch: tf.Tensor | int) -> tf.data.Dataset:
    rows = tf.data.Dataset.from_tensor_slices(({name: data[name] for name in data if name != LABEL}, data[LABEL]))
    return rows.shuffle(ROWS, seed=7 + epoch, reshuffle_each_iteration=False).batch(BATCH)


def train(
    strategy: tf.distribute.Strategy, loop: loops.Loop, data: dict[str, np.ndarray], dropout: float = 0.0, **options
) -> tuple[loops.DistributedModel, History]:
    """`options` are those of `loops.train`, and run_eagerly and jit_compile."""
    creation = {name: options.pop(name) for name in ("run_eagerly", "jit_compile") if name in options}
    keras.utils.set_random_seed(3)
    model = loops.create(strategy, lambda: build(dropout), optimizer, **creation)
    plan = {"steps": STEPS, "epochs": EPOCHS, "validation": batches(data, 0).unbatch().batch(1000)} | options
    return model, loops.train(loop, model, batches=lambda epoch: batches(data, epoch), **plan)


class PauseInEpoch(keras.callbacks.Callback):
    """Says so in the middle of the epoch (from 0), then waits to be killed."""

    def __init__(self, epoch: int):
        super().__init__()
        self._epoch = epoch
        self._now = -1

    def on_epoch_begin(self, epoch, logs=None):
        self._now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self._now, batch) == (self._epoch, STEPS // 2):
            print("paused", flush=True)
            signal.pause()


def main(*, strategy: str, loop_names: list[str], data: str, out: str, devices=0, dropout=0.0, backup=None, pause=None) -> None:
    """Trains with each loop; writes its weights and history to `out`, and one exported model if there are several workers."""
    place = distribution.create(strategy, devices)
    folder = Path(out)
    for loop in loop_names:
        options = {"backup": Path(backup)} if backup else {}
        hooks = [] if pause is None else [PauseInEpoch(pause)]
        model, history = train(place, loop, dict(np.load(data)), dropout, callbacks=hooks, **options)
        save(folder / f"{loop}.npz", place, model, history)
        if strategy == "multi_worker":
            with distribution.written_by_chief(place, folder.parent / "model") as target:
                model.export(target, verbose=False)


def save(path: Path, place: tf.distribute.Strategy, model: keras.Model, history: History) -> None:
    np.savez(path, *model.get_weights())
    path.with_suffix(".json").write_text(json.dumps({"replicas": place.num_replicas_in_sync, "history": history}))


def cluster(workers: int, data: str, out: str, backup: str) -> None:
    """Runs as many workers, each with its own folder in `out`. To be started as the first process of new namespaces.

    TensorFlow's server listens on all interfaces and asks nobody for a password; there, the only interface is loopback. When
    this process ends, however it ends, the kernel ends the workers: they share its process namespace.
    """
    with (
        socket.socket() as control
    ):  # the loopback interface of a new namespace is down; 0x8914 sets flags, 0x41 is up, running
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 0x41))
    holds = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{hold.getsockname()[1]}" for hold in holds]
    for hold in holds:
        hold.close()
    started = []
    for index in range(workers):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        folder = Path(out) / f"worker{index}"
        folder.mkdir()
        call = {"strategy": "multi_worker", "loop_names": ["custom"], "data": data, "out": str(folder), "backup": backup}
        environment = os.environ | {"TF_CONFIG": json.dumps(task), "TMPDIR": str(folder)}
        started.append(subprocess.Popen([sys.executable, "-m", __spec__.name, json.dumps(call)], env=environment))
    sys.exit(max(abs(worker.wait()) for worker in started))


if __name__ == "__main__":
    signal.alarm(600)  # ends a process that hangs, whatever became of the test
    arguments = json.loads(sys.argv[1])
    (cluster if "workers" in arguments else main)(**arguments)
