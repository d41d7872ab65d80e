"""Both loops train the same network, on graphs and without, and go on after a SIGKILL."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import REPOSITORY

from components.shared.errors import BadConfig
from pipeline.model import distribution, loops, training
from pipeline.model.backup import Progress
from tests import neutral
from tests.pipeline.model import small_training
from tests.pipeline.model.small_training import BATCH, EPOCHS, FIGURES, STEPS, batches, build, optimizer, train

LOOPS = ["fit", "custom"]
ROUNDING = 1e-6  # measured: weights 0 (6e-8 with XLA), AUC 0, losses 5e-8: the loops add them up in different precision


@pytest.fixture(scope="module")
def parcels():
    return small_training.columns(neutral.rows())


@pytest.fixture(scope="module")
def one_device():
    return distribution.create("one_device")


@pytest.fixture(scope="module")
def trained(parcels, one_device):
    """Both loops' model and history, dropout included."""
    return {loop: train(one_device, loop, parcels, dropout=0.3) for loop in LOOPS}


def test_both_loops_give_the_same_weights_and_figures(trained):
    (fit, fit_history), (custom, custom_history) = trained["fit"], trained["custom"]
    assert_same_weights(fit.get_weights(), custom.get_weights())
    assert_same_history(fit_history, custom_history)
    assert len(fit_history) == EPOCHS


def test_fit_gives_what_plain_keras_gives(parcels, one_device):
    """The shares of rows change nothing where there is one replica: the loss is the mean over the batch, the last one too."""
    model, history = train(one_device, "fit", parcels)
    keras.utils.set_random_seed(3)
    plain = build()
    plain.compile(optimizer(), loss="binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
    stream = tf.data.Dataset.range(EPOCHS).flat_map(lambda epoch: batches(parcels, epoch))
    validation = batches(parcels, 0).unbatch().batch(1000)
    figures = plain.fit(stream, steps_per_epoch=STEPS, epochs=EPOCHS, validation_data=validation, verbose=0).history
    assert_same_weights(plain.get_weights(), model.get_weights())
    assert_same_history([dict(zip(figures, row, strict=True)) for row in zip(*figures.values(), strict=True)], history)


@pytest.mark.parametrize("loop", LOOPS)
def test_how_far_it_is_is_told_after_each_batch(parcels, one_device, loop):
    told = []
    train(one_device, loop, parcels, callbacks=[training.TellsEpochs(lambda done, epochs: told.append((done, epochs)))])
    assert told == [(pytest.approx(number / STEPS), EPOCHS) for number in range(1, STEPS * EPOCHS + 1)]


@pytest.mark.parametrize("loop", LOOPS)
def test_averaged_weights_are_swapped_in_at_the_end(trained, loop):
    model, _ = trained[loop]
    averages = model.optimizer._model_variables_moving_average
    assert_same_weights([average.numpy() for average in averages], model.get_weights()[: len(averages)])


@pytest.mark.parametrize("loop", LOOPS)
def test_eager_and_xla_give_the_weights_of_graphs_after_three_steps(parcels, one_device, loop):
    three = {"steps": 3, "epochs": 1, "validation": batches(parcels, 0).take(1)}
    graph, _ = train(one_device, loop, parcels, **three)
    eager, _ = train(one_device, loop, parcels, run_eagerly=True, **three)
    xla, _ = train(one_device, loop, parcels, jit_compile=True, **three)
    assert_same_weights(graph.get_weights(), eager.get_weights())
    assert_same_weights(graph.get_weights(), xla.get_weights())


@pytest.mark.parametrize("loop", LOOPS)
def test_keras_callbacks_work(parcels, one_device, tmp_path, loop):
    """TensorBoard gets both splits' figures, and EarlyStopping stops."""
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=0)  # the second epoch cannot be better by 9 nats
    _, history = train(one_device, loop, parcels, callbacks=[stop, keras.callbacks.TensorBoard(str(tmp_path))])
    assert len(history) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"train", "validation"}


def test_a_killed_training_ends_with_the_weights_of_one_that_ran_through(trained, parcels, one_device, tmp_path):
    """SIGKILL in the middle of epoch 2 of 3; schedule, averaged weights and dropout's random generators go on too."""
    np.savez(tmp_path / "parcels.npz", **parcels)
    trainers = {}
    try:
        for loop in LOOPS:
            call = {"strategy": "one_device", "loop_names": [loop], "data": str(tmp_path / "parcels.npz"), "out": str(tmp_path)}
            call |= {"dropout": 0.3, "backup": str(tmp_path / loop), "pause": 1}
            command = [sys.executable, "-m", small_training.__name__, json.dumps(call)]
            trainers[loop] = subprocess.Popen(
                command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        for trainer in trainers.values():
            assert trainer.stdout.readline() == "paused\n"
    finally:
        for trainer in trainers.values():
            trainer.kill()
            trainer.wait(timeout=10)
    for loop in LOOPS:
        begun = EpochsBegun()
        model, history = train(one_device, loop, parcels, dropout=0.3, backup=tmp_path / loop, callbacks=[begun])
        assert begun.epochs == [1, 2]
        unbroken, unbroken_history = trained[loop]
        assert_same_weights(unbroken.get_weights(), model.get_weights())
        assert_same_history(unbroken_history, history)
        assert not (tmp_path / loop).exists()


def test_keras_own_backup_forgets_dropouts_generators(tmp_path):
    """Why the loops have their own: when this fails, keras.callbacks.BackupAndRestore will do."""
    model = build(dropout=0.3)
    (generator,) = [variable for variable in model.variables if "seed_generator" in variable.path]
    model.save_weights(tmp_path / "latest.weights.h5")
    generator.assign(generator + 1)
    after = generator.numpy()
    model.load_weights(tmp_path / "latest.weights.h5")
    np.testing.assert_array_equal(generator.numpy(), after)


def test_a_backup_of_another_training_is_refused(one_device, tmp_path):
    def backed_up(network, epochs):
        return Progress(loops.create(one_device, network, optimizer), epochs, tmp_path)

    backed_up(build, 5).on_epoch_end(0, dict.fromkeys(FIGURES, 0.5))
    with pytest.raises(BadConfig, match=r"ckpt-1 does not fit this network and optimizer; .*; remove .* to start again"):
        backed_up(build_deeper, 5).restore()
    with pytest.raises(BadConfig, match=r"ckpt-1 was saved after epoch 1, but train.epochs = 1; expected more"):
        backed_up(build, 1).restore()


@pytest.mark.parametrize("found", [{"run_eagerly": True}, {}])
def test_xla_without_graphs_or_with_replicas_is_refused(found, one_device, monkeypatch):
    if not found:
        monkeypatch.setattr(type(one_device), "num_replicas_in_sync", 2)
    with pytest.raises(BadConfig, match=r"jit_compile = true with (run_eagerly = true|2 replicas); expected graphs on one"):
        loops.create(one_device, build, optimizer, jit_compile=True, **found)


def test_rows_share_their_batch():
    features, label, share = loops.with_share({"distance": tf.zeros(BATCH)}, tf.zeros(BATCH))
    assert set(features) == {"distance"} and label.shape == share.shape
    assert float(tf.reduce_sum(share)) == pytest.approx(1)


class EpochsBegun(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)


def build_deeper() -> keras.Model:
    network = build()
    return keras.Model(network.input, keras.layers.Dense(1, activation="sigmoid")(network.output))


def assert_same_weights(expected, found):
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)


def assert_same_history(expected, found):
    assert [set(epoch) for epoch in found] == [set(FIGURES)] * len(expected)
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=0, abs=ROUNDING)
