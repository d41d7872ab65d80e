"""Check whether NaN, or a number that is too large, reaches an operation on which the phones' runtimes differ.

MINIMUM(NaN, 1) is 1 by TensorFlow Lite's own kernels and NaN by XNNPACK's; RELU and comparisons differ likewise; and XNNPACK's
sine of 1e9 is 469. Such a file answers as the server does on one phone, and not on the next. So it is run here on awkward rows,
with all its tensors kept, and the input of each operation is checked. Imports no TensorFlow.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as flatbuffer
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from components.shared.errors import NotConvertible
from components.shared.phone.awkward_rows import AwkwardRows
from components.shared.phone.file import by_number, operation
from components.shared.phone.runtime import SIGNATURE, TFLiteModel, as_input

ACTIVATION = by_number(flatbuffer.ActivationFunctionType)
# NaN in, NaN out, or moved unchanged: by IEEE 754, whatever the kernel.
NAN_IS_SAFE = {"ADD", "SUB", "MUL", "DIV", "NEG", "ABS", "FLOOR_MOD", "SELECT", "SELECT_V2", "CONCATENATION", "PACK", "UNPACK"}
NAN_IS_SAFE |= {"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "TRANSPOSE", "TILE"}
NAN_IS_SAFE |= {"GATHER", "GATHER_ND", "BROADCAST_TO", "SHAPE", "ZEROS_LIKE", "SUM", "MEAN"}
IS_NAN = {"EQUAL", "NOT_EQUAL"}  # of a tensor with itself
LARGEST = {"SIN": 1e5, "COS": 1e5}  # XNNPACK's are 2e-7 off up to there, 2e-5 at 1e7, and wrong from 1e9
LARGEST |= {"CAST": 2.0**31}  # to an integer that does not hold it: undefined in C++


class Operation(NamedTuple):
    """One operation of a file."""

    name: str  # with a fused activation, as "MUL and RELU"
    inputs: list[int]  # tensors


def check(model: bytes, rows: AwkwardRows) -> None:
    """Refuse a file that gives different answers with different kernels.

    Args:
        model: a file that takes any number of rows.
        rows: what to run it on.

    Raises:
        NotConvertible: naming the operation, the tensor, and the row in which it got a value that it must not.
    """
    dtypes = TFLiteModel(model).dtypes
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # XNNPACK does not show its inner tensors
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=plain, experimental_preserve_all_tensors=True)
    runner = interpreter.get_signature_runner(SIGNATURE)
    runner(**{name: as_input(rows.columns[name], dtype) for name, dtype in dtypes.items()})
    numbers = {
        tensor["index"]: tensor["name"] for tensor in interpreter.get_tensor_details() if np.dtype(tensor["dtype"]).kind == "f"
    }
    for step in steps(model):
        for index in step.inputs:
            if index not in numbers:
                continue
            values = interpreter.get_tensor(index)
            if (unsafe := wrong(step, values)).any():
                raise NotConvertible(
                    f"{step.name} gets {values[unsafe][0]:g} from {numbers[index]}, in the row with "
                    f"{row_of(unsafe, rows.names)}. Runtimes differ in what they make of that; expected a preprocessing that "
                    "selects it away before, with tf.where and tf.math.is_nan, or tf.math.floormod where it is too large."
                )


def wrong(step: Operation, values: np.ndarray) -> np.ndarray:
    """Mark the values that the operation must not get, in their shape."""
    if step.name in IS_NAN and len(set(step.inputs)) == 1:
        return np.zeros_like(values, bool)
    unsafe = np.isnan(values) & (step.name not in NAN_IS_SAFE)
    return unsafe | (np.abs(values) > LARGEST[step.name]) if step.name in LARGEST else unsafe


def row_of(unsafe: np.ndarray, names: list[str]) -> str:
    """Name the oddity of the first row that has an unsafe value; a tensor without an axis of rows has it in all."""
    if unsafe.ndim and len(unsafe) == len(names):
        return names[int(np.argmax(unsafe.reshape(len(names), -1).any(axis=1)))]
    return "any value"


def steps(model: bytes) -> Iterator[Operation]:
    """Yield the operations that take numbers, in order, of the graph that a call runs."""
    read = flatbuffer.ModelT.InitFromPackedBuf(model)
    for each in read.subgraphs[read.signatureDefs[0].subgraphIndex].operators:
        fused = getattr(each.builtinOptions, "fusedActivationFunction", None)  # a minimum or a maximum of its own
        name = operation(read.operatorCodes[each.opcodeIndex])
        inputs = () if each.inputs is None else each.inputs
        yield Operation(f"{name} and {ACTIVATION[fused]}" if fused else name, [index for index in inputs if index >= 0])
