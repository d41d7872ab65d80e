"""Scores rows with another TensorFlow Lite than the project's: `on_runtimes.py` runs this file in an environment of its own.

It needs NumPy and the runtime, and nothing of the project. Arguments: the module of the runtime's interpreter, the model, and
a JSON file with a list of values a raw column. Prints the answers as JSON, by the default kernels and by the plain ones.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np

MODULE, MODEL, ROWS = sys.argv[1:]
runtime = importlib.import_module(MODULE)
resolvers = {
    "default": runtime.OpResolverType.AUTO,
    "plain": runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}
columns = json.loads(Path(ROWS).read_text(encoding="utf-8"))
rows = len(next(iter(columns.values())))
scores = {}
for kernels, resolver in resolvers.items():
    interpreter = runtime.Interpreter(model_path=MODEL, num_threads=1, experimental_op_resolver_type=resolver)
    run = interpreter.get_signature_runner("serving_default")
    dtypes = {name: np.dtype(detail["dtype"]) for name, detail in run.get_input_details().items()}
    inputs = {
        name: np.array([value.encode() for value in values], object)
        if dtypes[name].kind in "OS"
        else np.array(values, dtypes[name])
        for name, values in columns.items()
    }
    outputs = [run(**{name: column[row : row + 1] for name, column in inputs.items()}) for row in range(rows)]
    scores[kernels] = [answer[0].tolist() for output in outputs for answer in output.values()]
json.dump(scores, sys.stdout)
