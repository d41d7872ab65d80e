"""Every strategy gives one device's result for the same global batch; what is not there is said at once."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import REPOSITORY

from components.shared.errors import BadConfig, TpuNotFound
from pipeline.model import distribution, loops
from tests import neutral
from tests.pipeline.model import small_training

ROUNDING = 1e-6  # measured: 2e-7 for weights, 1.3e-7 for losses: replicas add up gradients in another order
ONE_ROW = 1e-4  # of AUC, if rounding moves a row over one of its 200 thresholds; measured: 0
LOOPS = ["fit", "custom"]
NAMESPACES = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"]


@pytest.fixture(scope="module")
def parcels():
    return small_training.columns(neutral.rows())


@pytest.fixture(scope="module")
def parcels_file(parcels, tmp_path_factory):
    path = tmp_path_factory.mktemp("parcels") / "parcels.npz"
    np.savez(path, **parcels)
    return path


@pytest.fixture(scope="module")
def one_device(parcels):
    """What one device gives: weights and history."""
    model, history = small_training.train(distribution.create("one_device"), "custom", parcels)
    return model.get_weights(), history


@pytest.mark.parametrize("devices", [2, 4])
def test_mirrored_gives_one_devices_curve(one_device, parcels_file, tmp_path, devices):
    """Both loops; with 4 devices the last batch leaves one without a row. A process has groups of one size only."""
    call = {"strategy": "mirrored", "devices": devices, "loop_names": LOOPS, "data": str(parcels_file), "out": str(tmp_path)}
    run_small_training(call)
    for loop in LOOPS:
        assert_same(one_device, tmp_path / f"{loop}.npz", devices)


def test_two_workers_end_with_the_same_weights_and_one_model(one_device, parcels, parcels_file, tmp_path):
    """Two processes; the backup is shared, the chief alone writes, and nothing is left of what the other one wrote."""
    if subprocess.run([*NAMESPACES, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network namespaces here: TensorFlow's server would listen on all interfaces")
    call = {"workers": 2, "data": str(parcels_file), "out": str(tmp_path), "backup": str(tmp_path / "backup")}
    run_small_training(call, NAMESPACES)
    first, second = (np.load(tmp_path / f"worker{index}" / "custom.npz") for index in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert_same(one_device, tmp_path / "worker0" / "custom.npz", replicas=2)
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    results = {f"worker{index}/custom.{kind}" for index in range(2) for kind in ("npz", "json")}
    assert {path for path in written if not path.startswith("model/")} == results
    exported = tf.saved_model.load(str(tmp_path / "model"))
    network = small_training.build()
    network.set_weights(one_device[0])
    features = {name: tf.constant(values[:5]) for name, values in parcels.items() if name != neutral.LABEL}
    np.testing.assert_allclose(exported.serve(features), network(features), rtol=0, atol=ROUNDING)


def test_fit_with_several_workers_is_refused(monkeypatch):
    model = loops.create(distribution.create("one_device"), small_training.build, small_training.optimizer)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", tf.distribute.OneDeviceStrategy)
    with pytest.raises(BadConfig, match=r'"fit" with train.strategy = "multi_worker"; expected "custom"'):
        loops.train("fit", model, batches=None, steps=1, validation=None, epochs=1)


@pytest.mark.parametrize(
    ("name", "address", "message"),
    [
        ("", "", r"No TPU: train.tpu is '', TPU_NAME empty, and /dev has no accel"),
        ("grpc://127.0.0.1:1", "", r"The TPU at grpc://127.0.0.1:1 does not answer at 127.0.0.1:1 within 1 s"),
        ("my-tpu", "127.0.0.1", r"metadata server, which finds the TPU 'my-tpu', does not answer at 127.0.0.1:1 within 1 s"),
        ("my-tpu", "192.0.2.1", r"metadata server, which finds the TPU 'my-tpu', does not answer at 192.0.2.1:1 within 1 s"),
        ("local", "", r"No TPU: train.tpu is 'local', TPU_NAME empty, and /dev has no accel"),
    ],
)
def test_a_tpu_that_is_not_there_is_said_within_a_minute(name, address, message, monkeypatch):
    monkeypatch.delenv("TPU_NAME", raising=False)
    monkeypatch.setattr(distribution, "_local_tpu", lambda: False)
    monkeypatch.setattr(distribution, "METADATA_SERVER", (address, 1))
    begun = time.monotonic()
    with pytest.raises(TpuNotFound, match=rf"{message}.* Create a TPU VM"):
        distribution.create("tpu", tpu=name)
    assert time.monotonic() - begun < 60, "TensorFlow itself waits for many minutes"


def test_too_few_devices_are_refused(monkeypatch):
    with pytest.raises(BadConfig, match=r"found no GPU, and train.devices is 0; expected .* train.devices = 2 or more"):
        distribution.create("mirrored")
    with pytest.raises(BadConfig, match=r"train.devices = 3, but TensorFlow already runs with 1 CPU devices; create"):
        tf.config.list_logical_devices()
        distribution.create("mirrored", devices=3)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["/physical_device:GPU:0"])
    with pytest.raises(BadConfig, match=r"train.devices = 2, but this machine has 1 GPUs; expected 0 \(all\) to 1"):
        distribution.create("mirrored", devices=2)


@pytest.mark.parametrize(
    "found",
    [
        "",
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_an_unusable_tf_config_is_refused(found, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", found)
    with pytest.raises(BadConfig, match=r'"multi_worker" found TF_CONFIG=.* expected, on worker 0 of 2'):
        distribution.create("multi_worker")


def test_an_unknown_strategy_is_refused():
    with pytest.raises(BadConfig, match="'horovod'; expected one of one_device, mirrored, multi_worker, tpu"):
        distribution.create("horovod")


def test_batch_and_learning_rate_grow_with_the_replicas():
    assert distribution.global_batch_size(256, 4) == 1024
    assert distribution.scaled_learning_rate(0.001, 4) == pytest.approx(0.002)
    assert distribution.scaled_learning_rate(0.001, 1) == 0.001


def run_small_training(call, prefix=()):
    """Runs the program, and ends it with all its children if it does not end itself."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [*prefix, sys.executable, "-m", small_training.__name__, json.dumps(call)]
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=1000, check=False)
    assert result.returncode == 0, result.stderr[-3000:]


def assert_same(expected, weights_file, replicas):
    weights, history = expected
    found = np.load(weights_file)
    for one, other in zip(weights, found.values(), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)
    curve = json.loads(weights_file.with_suffix(".json").read_text())
    assert curve["replicas"] == replicas
    for one, other in zip(history, curve["history"], strict=True):
        for figure in small_training.FIGURES:
            assert other[figure] == pytest.approx(one[figure], rel=0, abs=ONE_ROW if "auc" in figure else ROUNDING)
