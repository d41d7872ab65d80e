"""Run a TensorFlow Lite file as a function of raw columns. Imports no TensorFlow."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from components.shared import answers

SIGNATURE = "serving_default"


class TFLiteModel:
    """Scores rows, one at a time if the file is made for that.

    With `delegates`, LiteRT hands what it can to XNNPACK, as it does unless told otherwise; else its own kernels compute
    everything, as on phones whose TensorFlow Lite is older or was built without. `dtypes` has NumPy's of each input; strings
    are object arrays of bytes.
    """

    def __init__(self, model: bytes, delegates: bool = True):
        kernels = OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        options = {"model_content": model, "num_threads": 1, "experimental_op_resolver_type": kernels}
        self._interpreter = Interpreter(**options)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner(SIGNATURE)
        details = runner.get_input_details()
        self.dtypes = {name: np.dtype(detail["dtype"]) for name, detail in details.items()}
        self._inputs = {name: detail["index"] for name, detail in details.items()}
        output = answers.only(runner.get_output_details())
        self._output, self._values = output["index"], tuple(output["shape_signature"][1:])
        # A runner holds tensors, and until it is gone the interpreter does not invoke: many rows at once have their own.
        one_by_one = any(detail["shape_signature"][0] == 1 for detail in details.values())
        many = None if one_by_one else Interpreter(**options)
        self._many = many.get_signature_runner(SIGNATURE) if many else None

    def __call__(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the answers, float32, of shape [rows], or [rows, classes], of raw columns, shape [rows].

        A missing value is NaN or "".
        """
        inputs = {name: as_input(columns[name], dtype) for name, dtype in self.dtypes.items()}
        if self._many:
            return answers.only(self._many(**inputs))
        rows = len(next(iter(inputs.values())))
        scores = np.empty((rows, *self._values), np.float32)
        for row in range(rows):
            scores[row] = self.score_row({name: values[row : row + 1] for name, values in inputs.items()})
        return scores

    def invoke(self) -> None:
        """Run the file on the row that was set last."""
        self._interpreter.invoke()

    def score_row(self, row: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the answer for a row of inputs of shape [1] and of the file's dtypes; faster than a signature runner."""
        for name, index in self._inputs.items():
            self._interpreter.set_tensor(index, row[name])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)[0]


def as_input(column: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Convert strings to UTF-8 bytes, and numbers to the file's dtype."""
    if dtype.kind in "iuf":
        return np.ascontiguousarray(column, dtype)
    return np.array([value.encode() if isinstance(value, str) else value for value in column], dtype=object)
