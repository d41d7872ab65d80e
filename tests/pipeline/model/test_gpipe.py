"""Stages on several devices train the network that one device trains."""

import json
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import REPOSITORY

from components.shared.errors import BadConfig
from pipeline.model import gpipe, network
from tests.neutral import FEATURES
from tests.pipeline.model import small_pipeline

ROUNDING = 1e-6


COUNTS = ["2", "4"]  # of devices


@pytest.fixture(scope="module")
def results():
    command = [sys.executable, "-m", small_pipeline.__name__, *COUNTS]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=COUNTS, ids="{} devices".format)
def result(results, request):
    return results[request.param]


def test_gradients_are_those_of_the_whole_network(result):
    assert result["gradients"] < ROUNDING


def test_training_ends_with_the_same_weights(result):
    """Six steps of AdamW with averaged weights, micro-batches of unequal size."""
    assert result["weights"] < 1e-5  # AdamW divides tiny gradients by their own size, so rounding grows
    whole, staged = result["losses"]
    assert staged == pytest.approx(whole, abs=1e-5)
    assert staged[1] < staged[0]
    assert result["fit"] < staged[1]


def test_every_variable_is_on_the_device_of_its_stage(result):
    """Weights, and what the optimizer keeps beside them."""
    for device, (weights, slots) in result["placed"].items():
        index = device.rpartition(":")[2]
        assert weights and {place.rpartition(":")[2] for place in weights} == {index}
        assert len(slots) > len(weights) and {place.rpartition(":")[2] for place in slots} == {index}


def test_more_stages_than_parts_and_missing_devices_are_refused():
    parts = network.parts(FEATURES, small_pipeline.SETTINGS, small_pipeline.SIZES)
    with pytest.raises(BadConfig, match=r"5 stages of 4 parts; expected 1 to 4 \(train.devices\)"):
        gpipe.GPipe(parts, ["/cpu:0"] * 5, 2, small_pipeline.adam)
    with pytest.raises(BadConfig, match="No device /gpu:7; TensorFlow sees cpu:0"):
        gpipe.GPipe(parts, ["/cpu:0", "/gpu:7"], 2, small_pipeline.adam)


def test_no_micro_batches_and_regularizers_are_refused():
    inputs = keras.Input((2,))
    part = keras.Model(inputs, keras.layers.Dense(1, kernel_regularizer="l2")(inputs), name="heavy")
    with pytest.raises(BadConfig, match=r"0 micro-batches; expected 1 or more \(train.micro_batches\)"):
        gpipe.GPipe([part], ["/cpu:0"], 0, small_pipeline.adam)
    with pytest.raises(BadConfig, match="Regularizers in heavy; expected none"):
        gpipe.GPipe([part], ["/cpu:0"], 2, small_pipeline.adam)


def test_devices_go_by_tensorflows_names_and_without_xla(monkeypatch):
    """XLA cannot reach variables of another device, and Keras turns it on by itself where there is a GPU."""
    physical = [*tf.config.list_physical_devices(), SimpleNamespace(device_type="GPU")]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: physical)
    parts = network.parts(FEATURES, small_pipeline.SETTINGS, small_pipeline.SIZES)
    assert gpipe.GPipe(parts, ["/device:CPU:0", "/cpu:0"], 2, small_pipeline.adam).jit_compile is False


@pytest.mark.parametrize("rows", [0, 3, 10])
def test_micro_batches_share_out_the_rows(rows):
    pieces = [gpipe.cut(tf.range(rows), index, 4).numpy() for index in range(4)]
    np.testing.assert_array_equal(np.concatenate(pieces), np.arange(rows))
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
