"""Read TensorFlow Serving's files about batching and monitoring."""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from components.shared.errors import BadConfig
from serving.server import protos

METRICS = "/monitoring/prometheus/metrics"


@dataclass(frozen=True)
class Batching:
    """tensorflow.serving.BatchingParameters; the defaults are those of the shipped batching.config.

    Attributes:
        max_batch_size: rows of a request at most and, without splitting, of a batch.
        batch_timeout_micros: how long the first request of a batch waits for others.
        max_enqueued_batches: batches that may wait; more are refused.
        num_batch_threads: batches that run at a time.
        thread_pool_name: of these threads.
        enable_large_batch_splitting: a request may be split over batches.
        max_execution_batch_size: rows of a batch, with splitting.
        allowed_batch_sizes: a batch is filled up to the next of these sizes; none: not filled up.
        pad_variable_length_inputs: pad inputs whose shapes differ in a batch, instead of refusing it.
    """

    max_batch_size: int = 16_384
    batch_timeout_micros: int = 4000
    max_enqueued_batches: int = 16
    num_batch_threads: int = 2
    thread_pool_name: str = "batch_threads"
    enable_large_batch_splitting: bool = True
    max_execution_batch_size: int = 1024
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False

    @property
    def rows(self) -> int:
        """Rows of a batch at most."""
        return self.max_execution_batch_size if self.enable_large_batch_splitting else self.max_batch_size


# TensorFlow Serving's defaults: batching_util/shared_batch_scheduler.h, QueueOptions and Options.
STOCK = Batching(
    max_batch_size=1000,
    batch_timeout_micros=0,
    max_enqueued_batches=10,
    num_batch_threads=os.cpu_count() or 1,
    enable_large_batch_splitting=False,
    max_execution_batch_size=0,
)


def read_batching(path: Path) -> Batching:
    """Read a `batching.config`. Raises BadConfig for what TensorFlow Serving refuses too."""
    message = protos.read(path, "BatchingParameters")
    stated = {each.name: getattr(value, "value", value) for each, value in message.ListFields()}
    stated["allowed_batch_sizes"] = tuple(stated.get("allowed_batch_sizes", ()))
    found = Batching(**vars(STOCK) | stated)
    if not stated.get("max_execution_batch_size"):
        found = Batching(**vars(found) | {"max_execution_batch_size": found.max_batch_size})
    if wrong := _wrong(found):
        raise BadConfig(f"{path}: {wrong}.")
    return found


def _wrong(found: Batching) -> str:
    """Return why TensorFlow Serving would not start with it; empty if it would."""
    least = {"max_batch_size": 1, "batch_timeout_micros": 0, "max_enqueued_batches": 1, "num_batch_threads": 1}
    for name, limit in least.items():
        if (value := getattr(found, name)) < limit:
            return f"{name} is {value}; expected at least {limit}"
    sizes = found.allowed_batch_sizes
    if any(first >= second for first, second in pairwise(sizes)):
        return f"allowed_batch_sizes are {', '.join(map(str, sizes))}; expected each larger than the one before"
    if sizes and sizes[-1] != found.max_batch_size:
        return f"the last of allowed_batch_sizes is {sizes[-1]}; expected max_batch_size, which is {found.max_batch_size}"
    if found.enable_large_batch_splitting and found.max_execution_batch_size > found.max_batch_size:
        return (
            f"max_execution_batch_size is {found.max_execution_batch_size}; expected at most max_batch_size, which is "
            f"{found.max_batch_size}"
        )
    return ""


def read_monitoring(path: Path) -> str | None:
    """Read from a `monitoring.config` the path that Prometheus asks; None if it is off. Raises BadConfig."""
    prometheus = protos.read(path, "MonitoringConfig").prometheus_config
    return (prometheus.path or METRICS) if prometheus.enable else None
