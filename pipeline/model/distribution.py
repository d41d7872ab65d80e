"""Choose where the network trains, one device, several, several machines or a TPU, as a `tf.distribute.Strategy`."""

import functools
import json
import math
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import tensorflow as tf

from components.shared.errors import BadConfig, TpuNotFound
from pipeline.shared.sections import Strategy

REACHED_WITHIN = 1.0  # seconds; TensorFlow itself tries for minutes
METADATA_SERVER = ("169.254.169.254", 80)  # of every Google Cloud machine; it knows where a TPU of a given name is
GET_A_TPU = (
    "Create a TPU VM (https://cloud.google.com/tpu/docs/run-calculation-tensorflow) and run there, with tensorflow-tpu "
    'in place of tensorflow; or choose train.strategy = "one_device"'
)


@functools.cache
def create(name: Strategy, devices: int = 0, tpu: str = "") -> tf.distribute.Strategy:
    """Create the strategy that `train.strategy` names, one a process. Call it before anything else of TensorFlow runs.

    Args:
        name: `one_device`: the first GPU, else the CPU. `mirrored`: a replica each GPU of this machine. `multi_worker`: a
            replica each GPU (or one on the CPU) of every machine in TF_CONFIG; each machine runs the same program.
            `tpu`: a replica each core. `pipeline`: no replicas, see `gpipe.GPipe`.
        devices: of `mirrored` and `pipeline`, how many; 0 takes all GPUs. Without a GPU the CPU is cut into as many: slower
            than one, and a way to try replicas out.
        tpu: of `tpu`, a name, a grpc:// address, or "local"; empty takes TPU_NAME, else a TPU of this machine.

    Raises:
        BadConfig: there are fewer devices than asked for, or TF_CONFIG cannot be used.
        TpuNotFound: no TPU answers.
    """
    match name:
        case "one_device":
            return tf.distribute.OneDeviceStrategy("/gpu:0" if tf.config.list_physical_devices("GPU") else "/cpu:0")
        case "mirrored":
            return tf.distribute.MirroredStrategy(several_devices(name, devices))
        case "pipeline":
            several_devices(name, devices)
            return tf.distribute.get_strategy()
        case "multi_worker":
            _check_tf_config(os.environ.get("TF_CONFIG", ""))
            return tf.distribute.MultiWorkerMirroredStrategy()
        case "tpu":
            return _tpu_strategy(tpu)
    raise BadConfig(f"train.strategy = {name!r}; expected one of {', '.join(get_args(Strategy))}")


def global_batch_size(per_replica: int, replicas: int) -> int:
    """Return the rows of a step over all replicas."""
    return per_replica * replicas


def scaled_learning_rate(base: float, replicas: int) -> float:
    """Return the learning rate for a batch that is `replicas` times as large: base x sqrt(replicas).

    The square-root rule for Adam of Malladi et al. 2022, "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms"
    (arXiv 2205.10287). Not the linear rule of Goyal et al. 2017 (arXiv 1706.02677), which is for SGD: Adam divides by the
    gradient's root mean square, which is mostly noise and falls with the root of the batch, so half of that rule is in it.
    The betas and epsilon stay as they are. The full rule moves them too; from 10 replicas on beta_1 would be 0 or less.
    """
    return base * math.sqrt(replicas)


@contextmanager
def written_by_chief(strategy: tf.distribute.Strategy, folder: Path) -> Iterator[Path]:
    """Yield the folder that this process writes to: `folder` for the chief, else a temporary one that is removed afterwards.

    Every worker has to save: reading a variable that the replicas keep apart needs an answer from each of them.
    """
    if strategy.extended.should_checkpoint:
        yield folder
    else:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch) / folder.name


def by_rows(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Let workers share the rows of each batch. By default they would share files, of which there is one."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def several_devices(name: Strategy, count: int) -> list[str]:
    """List GPUs, or parts of the CPU: `count` of them, or all GPUs. Raises BadConfig if there are fewer."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if count > len(gpus):
            raise BadConfig(f"train.devices = {count}, but this machine has {len(gpus)} GPUs; expected 0 (all) to {len(gpus)}")
        return [f"/gpu:{index}" for index in range(count or len(gpus))]
    if not count:
        raise BadConfig(
            f'train.strategy = "{name}" found no GPU, and train.devices is 0; expected a GPU that TensorFlow sees '
            "(nvidia-smi), or train.devices = 2 or more to cut the CPU into logical devices"
        )
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError as error:
        if (found := len(tf.config.list_logical_devices("CPU"))) != count:
            raise BadConfig(
                f"train.devices = {count}, but TensorFlow already runs with {found} CPU devices; create the strategy first"
            ) from error
    return [f"/cpu:{index}" for index in range(count)]


def _check_tf_config(text: str) -> None:
    try:
        config = json.loads(text)
        addresses = config["cluster"][config["task"]["type"]]
        addresses[int(config["task"]["index"])]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadConfig(
            f'train.strategy = "multi_worker" found TF_CONFIG={text!r} in the environment; expected, on worker 0 of 2, '
            '{"cluster": {"worker": ["host0:port", "host1:port"]}, "task": {"type": "worker", "index": 0}}'
        ) from error


def _tpu_strategy(tpu: str) -> tf.distribute.Strategy:
    tpu = tpu or os.environ.get("TPU_NAME", "") or ("local" if _local_tpu() else "")
    if not tpu or (tpu == "local" and not _local_tpu()):
        raise TpuNotFound(f"No TPU: train.tpu is {tpu!r}, TPU_NAME empty, and /dev has no accel* or vfio/[0-9]*. {GET_A_TPU}")
    if tpu.startswith("grpc://"):
        address = urlsplit(tpu)
        _reach(address.hostname or "", address.port or 8470, f"The TPU at {tpu}")
    elif tpu != "local":
        _reach(*METADATA_SERVER, f"Google Cloud's metadata server, which finds the TPU {tpu!r},")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ImportError, ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = str(error).partition(". ")[0]  # the rest is a dump of the graph
        raise TpuNotFound(f"The TPU {tpu!r} cannot be used: {reason}. {GET_A_TPU}") from error


def _local_tpu() -> bool:
    return any(Path("/dev").glob("accel[0-9]*")) or any(Path("/dev/vfio").glob("[0-9]*"))


def _reach(host: str, port: int, who: str) -> None:
    try:
        socket.create_connection((host, port), REACHED_WITHIN).close()
    except OSError as error:
        raise TpuNotFound(
            f"{who} does not answer at {host}:{port} within {REACHED_WITHIN:g} s ({error}). {GET_A_TPU}"
        ) from error
