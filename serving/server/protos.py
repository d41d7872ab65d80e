"""Messages of TensorFlow Serving's configuration files that no Python package has, with their field names and types."""

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from components.shared.errors import BadConfig

PACKAGE = "crosswind.tensorflow_serving"
INT, BOOL, TEXT = (f".google.protobuf.{name}Value" for name in ("Int64", "Bool", "String"))
PROMETHEUS = f".{PACKAGE}.PrometheusConfig"
# A message's fields: a wire type, or the message that holds the value. A list of one: repeated.
MESSAGES: dict[str, dict[str, Any]] = {
    # servables/tensorflow/session_bundle_config.proto
    "BatchingParameters": {
        "max_batch_size": INT,
        "batch_timeout_micros": INT,
        "max_enqueued_batches": INT,
        "num_batch_threads": INT,
        "thread_pool_name": TEXT,
        "allowed_batch_sizes": [Field.TYPE_INT64],
        "pad_variable_length_inputs": Field.TYPE_BOOL,
        "enable_large_batch_splitting": BOOL,
        "max_execution_batch_size": INT,
    },
    # config/monitoring_config.proto
    "PrometheusConfig": {"enable": Field.TYPE_BOOL, "path": Field.TYPE_STRING},
    "MonitoringConfig": {"prometheus_config": PROMETHEUS},
}


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="tensorflow_serving.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):  # text holds names, and no numbers
            single = kind[0] if isinstance(kind, list) else kind
            added = message.field.add(name=field, number=number)
            added.label = Field.LABEL_REPEATED if isinstance(kind, list) else Field.LABEL_OPTIONAL
            if isinstance(single, str):
                added.type, added.type_name = Field.TYPE_MESSAGE, single
            else:
                added.type = single
    pool.Add(file)
    return pool


POOL = _pool()


def read(path: Path, name: str) -> Message:
    """Read a file that holds one of MESSAGES as text.

    Raises:
        BadConfig: it cannot be read, or has a field or value that the message lacks; with line and column.
    """
    message = message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))()
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}. Expected the text of tensorflow.serving.{name}.") from error
    except text_format.ParseError as error:
        reason = str(error).replace(f"{PACKAGE}.", "tensorflow.serving.")
        fields = ", ".join(MESSAGES[name])
        raise BadConfig(f"{path}:{reason} Expected the text of tensorflow.serving.{name}, with {fields}.") from error
