"""Read TensorFlow Serving's files about batching and monitoring. No Python package has their messages; they are made here."""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from components.shared.errors import BadConfig

METRICS = "/monitoring/prometheus/metrics"
PACKAGE = "crosswind.tensorflow_serving"
INT, BOOL, TEXT = (f".google.protobuf.{name}Value" for name in ("Int64", "Bool", "String"))
# A message's fields: a wire type, or the message that holds the value.
MESSAGES: dict[str, dict[str, int | str]] = {
    # servables/tensorflow/session_bundle_config.proto
    "BatchingParameters": {
        "max_batch_size": INT,
        "batch_timeout_micros": INT,
        "max_enqueued_batches": INT,
        "num_batch_threads": INT,
        "thread_pool_name": TEXT,
        "allowed_batch_sizes": Field.TYPE_INT64,
        "pad_variable_length_inputs": Field.TYPE_BOOL,
        "enable_large_batch_splitting": BOOL,
        "max_execution_batch_size": INT,
    },
    # config/monitoring_config.proto
    "PrometheusConfig": {"enable": Field.TYPE_BOOL, "path": Field.TYPE_STRING},
    "MonitoringConfig": {"prometheus_config": f".{PACKAGE}.PrometheusConfig"},
}
REPEATED = ("allowed_batch_sizes",)


@dataclass(frozen=True)
class Batching:
    """tensorflow.serving.BatchingParameters; the defaults are those of the shipped batching.config, which says why.

    `max_batch_size` is of a request and, without splitting, of a batch; with splitting a batch has at most
    `max_execution_batch_size` rows, and is filled up to the next of `allowed_batch_sizes`, if there are any.
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


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="tensorflow_serving.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):  # text holds names, and no numbers
            added = message.field.add(name=field, number=number)
            added.label = Field.LABEL_REPEATED if field in REPEATED else Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = Field.TYPE_MESSAGE, kind
            else:
                added.type = kind
    pool.Add(file)
    return pool


POOL = _pool()


def _read(path: Path, name: str) -> Message:
    """Read a file that holds one of MESSAGES as text. Raises BadConfig, with line and column of what does not belong there."""
    message = message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))()
    try:
        return text_format.Parse(text(path, f"the text of tensorflow.serving.{name}"), message)
    except text_format.ParseError as error:
        reason = str(error).replace(f"{PACKAGE}.", "tensorflow.serving.")
        fields = ", ".join(MESSAGES[name])
        raise BadConfig(f"{path}:{reason} Expected the text of tensorflow.serving.{name}, with {fields}.") from error


def text(path: Path, expected: str) -> str:
    """Read a configuration file. Raises BadConfig, which says what was expected."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}. Expected {expected}.") from error


def read_batching(path: Path) -> Batching:
    """Read a `batching.config`. Raises BadConfig for what TensorFlow Serving refuses too."""
    # TensorFlow Serving's defaults: batching_util/shared_batch_scheduler.h, QueueOptions and Options.
    found: dict[str, Any] = {
        "max_batch_size": 1000,
        "batch_timeout_micros": 0,
        "max_enqueued_batches": 10,
        "num_batch_threads": os.cpu_count() or 1,
        "enable_large_batch_splitting": False,
        "max_execution_batch_size": 0,
    }
    found |= {field.name: getattr(value, "value", value) for field, value in _read(path, "BatchingParameters").ListFields()}
    found["allowed_batch_sizes"] = tuple(found.get("allowed_batch_sizes", ()))
    found["max_execution_batch_size"] = found["max_execution_batch_size"] or found["max_batch_size"]
    batching = Batching(**found)
    if wrong := _wrong(batching):
        raise BadConfig(f"{path}: {wrong}.")
    return batching


def _wrong(found: Batching) -> str:
    """Return why TensorFlow Serving would not start with it; empty if it would."""
    least = {"max_batch_size": 1, "batch_timeout_micros": 0, "max_enqueued_batches": 1, "num_batch_threads": 1}
    for name, limit in least.items():
        if (value := getattr(found, name)) < limit:
            return f"{name} is {value}; expected at least {limit}"
    sizes, most = found.allowed_batch_sizes, f"max_batch_size, which is {found.max_batch_size}"
    if any(first >= second for first, second in pairwise(sizes)):
        return f"allowed_batch_sizes are {', '.join(map(str, sizes))}; expected each larger than the one before"
    if sizes and sizes[-1] != found.max_batch_size:
        return f"the last of allowed_batch_sizes is {sizes[-1]}; expected {most}"
    if found.enable_large_batch_splitting and found.max_execution_batch_size > found.max_batch_size:
        return f"max_execution_batch_size is {found.max_execution_batch_size}; expected at most {most}"
    return ""


def read_monitoring(path: Path) -> str | None:
    """Read from a `monitoring.config` the path that Prometheus asks; None if it is off. Raises BadConfig."""
    prometheus = _read(path, "MonitoringConfig").prometheus_config
    return (prometheus.path or METRICS) if prometheus.enable else None
