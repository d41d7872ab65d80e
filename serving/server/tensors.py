"""TensorProto to numpy and back. `tf.make_ndarray` costs 9 us an input, and fills any shape that a few bytes ask for."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.refused import invalid

FILLED = 1 << 20  # values at most where a request leaves out equal ones: a few bytes must not ask for gigabytes
# dtype in the proto -> numpy's, and the field that holds the values
FIELDS: dict[int, tuple[type, str]] = {
    tf.float32.as_datatype_enum: (np.float32, "float_val"),
    tf.float64.as_datatype_enum: (np.float64, "double_val"),
    tf.int32.as_datatype_enum: (np.int32, "int_val"),
    tf.int64.as_datatype_enum: (np.int64, "int64_val"),
    tf.bool.as_datatype_enum: (np.bool_, "bool_val"),
    tf.string.as_datatype_enum: (np.object_, "string_val"),
}


def array(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Read an input of a request. Raises Refused for an unknown dtype, or other values than the shape needs."""
    if proto.dtype not in FIELDS:
        known = ", ".join(tf.as_dtype(each).name for each in FIELDS)
        raise invalid(f"input {name} has dtype {proto.dtype}; expected one of {known}.")
    dtype, field = FIELDS[proto.dtype]
    shape = [dim.size for dim in proto.tensor_shape.dim]
    try:
        content = proto.tensor_content
        values: np.ndarray = np.frombuffer(content, dtype) if content else np.array(list(getattr(proto, field)), dtype)
    except ValueError as error:
        raise invalid(f"input {name}: {error}.") from error
    size = math.prod(shape)
    if min(shape, default=1) >= 0 and not content and len(values) != size <= FILLED:
        values = _filled(values, size)
    if min(shape, default=1) < 0 or len(values) != size:
        raise invalid(f"input {name} has {len(values)} values; expected as many as its shape {shape} holds.")
    try:
        return values if len(shape) == 1 else values.reshape(shape)
    except ValueError as error:  # more dimensions than numpy has, or sizes whose product it cannot hold though one is 0
        raise invalid(f"input {name} has the shape {shape[:8]} of {len(shape)} dimensions: {error}.") from error


def _filled(values: np.ndarray, size: int) -> np.ndarray:
    """Fill or cut values as tf.Tensor does: missing ones repeat the last, or are 0 if there is none; surplus ones go."""
    zero = np.array([b"" if values.dtype.kind == "O" else 0], values.dtype)
    last = values[-1:] if len(values) else zero
    return np.concatenate([values[:size], np.repeat(last, max(size - len(values), 0))])


def proto(values: np.ndarray) -> tensor_pb2.TensorProto:
    """Make a proto of an array of any shape."""
    if values.dtype != np.float32:
        return tf.make_tensor_proto(values)
    result = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=values.ravel())
    for size in values.shape:
        result.tensor_shape.dim.add(size=size)
    return result
