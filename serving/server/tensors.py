"""TensorProto to numpy and back, without TensorFlow's kernels. A wrong one is refused, by the name of its input."""

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.server.refused import invalid
from serving.server.servable import Columns


def columns(inputs: Mapping[str, tensor_pb2.TensorProto]) -> Columns:
    """The tensors of a request.

    Raises:
        Refused: a tensor has no known dtype, or other values than its shape needs.
    """
    return {name: array(name, proto) for name, proto in inputs.items()}


def array(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """One tensor. Raises Refused."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    try:
        # make_ndarray repeats the last value up to the size that is stated: a few bytes could ask for gigabytes.
        size = int(np.prod(shape, dtype=np.float64)) if shape else 1
        given = len(proto.tensor_content) or max((len(values) for _, values in _lists(proto)), default=0)
        if min(shape, default=0) < 0 or size > max(given, 1):
            raise ValueError(f"it has {given} values or bytes")
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise invalid(f"input {name} is no tensor of dtype {proto.dtype} and shape {shape}: {error}") from error


def _lists(proto: tensor_pb2.TensorProto) -> Iterable[tuple[str, Iterable]]:
    return ((field.name, values) for field, values in proto.ListFields() if field.name.endswith("_val"))


def protos(answers: Columns, names: Iterable[str]) -> dict[str, tensor_pb2.TensorProto]:
    """Some of the answers, by name."""
    return {name: proto(answers[name]) for name in names}


def proto(values: np.ndarray) -> tensor_pb2.TensorProto:
    """An array of any shape."""
    if values.dtype != np.float32:
        return tf.make_tensor_proto(values)
    result = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=values.ravel())
    for size in values.shape:
        result.tensor_shape.dim.add(size=size)
    return result
