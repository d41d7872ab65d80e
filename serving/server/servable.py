"""A loaded SavedModel: its signatures, what they take, and how they are run."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from components.model_store import contents, store
from components.model_store.manifest import MANIFEST
from components.model_store.signature import NO_KEYS, Keys
from serving.refused import Refused, StatusCode, invalid

Tensors = dict[str, np.ndarray]  # a tensor by name, its first dimension the row
DEFAULT_SIGNATURE = "serving_default"
NOT_FOUND = 'Serving signature name: "{}" not found in signature def'


@dataclass(frozen=True)
class Signature:
    """One way to ask a model: tensors by name go in and come out. `function` takes the inputs as keywords."""

    name: str
    inputs: Mapping[str, tf.TensorSpec]
    outputs: Mapping[str, tf.TensorSpec]
    function: Callable[..., dict[str, tf.Tensor]]

    def run(self, columns: Tensors) -> Tensors:
        """Score all rows in one call."""
        inputs = {name: tf.constant(columns[name], spec.dtype) for name, spec in self.inputs.items()}
        try:
            answers = self.function(**inputs)
        except UnicodeDecodeError as error:  # TensorFlow's message quotes bytes of the request, which may be no text
            raise tf.errors.InvalidArgumentError(None, None, error.object.decode(errors="replace")) from error
        return {name: tensor.numpy() for name, tensor in answers.items()}

    def _check_names(self, given: Set[str]) -> None:
        """Raise Refused for missing or unknown inputs, in TensorFlow Serving's words."""
        names = self.inputs.keys()
        if given == names:
            return
        missing, extra = sorted(names - given), sorted(given - names)
        if len(given) == len(names):
            raise invalid(
                f"Signature input alias: {missing[0]} not found in request and no default value provided. Signature "
                f"{self.name} takes {', '.join(names)}; unknown: {', '.join(extra)}."
            )
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(names)} len({{{','.join(sorted(given))}}}) != "
            f"len({{{','.join(sorted(names))}}}). Sent extra: {{{','.join(extra)}}}. Missing but required: "
            f"{{{','.join(missing)}}}."
        )

    def check(self, columns: Tensors) -> int:
        """Check dtypes and shapes, and return the number of rows. Raises Refused, naming the input."""
        self._check_names(columns.keys())
        rows = None
        for name, (dtype, shape) in self._expected.items():
            column = columns[name]
            if column.dtype != dtype:
                raise invalid(f"input {name} has dtype {column.dtype}; expected {self.inputs[name].dtype.name}.")
            if column.shape[1:] != tuple(shape[1:]) and not self.inputs[name].shape.is_compatible_with(column.shape):
                raise invalid(f"input {name} has shape {list(column.shape)}; expected {shape}.")
            if not column.shape:
                raise invalid(f"input {name} is a single value; expected one for each row.")
            if rows not in (None, len(column)):
                raise invalid(f"input {name} has {len(column)} rows; another one has {rows}.")
            rows = len(column)
        if not rows:
            raise invalid("The request has no rows; expected at least one.")
        return rows

    @functools.cached_property
    def _expected(self) -> dict[str, tuple[np.dtype, list[int | None]]]:
        """Dtype and shape by input, as plain values: they are compared at each request."""
        return {name: (np.dtype(spec.dtype.as_numpy_dtype), spec.shape.as_list()) for name, spec in self.inputs.items()}


class Servable:
    """One version of a model, ready to answer."""

    def __init__(self, model: str, version: int, folder: Path, keys: Keys = NO_KEYS):
        """Compare the files with the manifest if there is one, load the model, and warm it up.

        Raises CorruptModel, SignatureInvalid, and what TensorFlow raises for what is no SavedModel.
        """
        self.model, self.version = model, version
        with _checked(folder, version, keys) as checked:
            saved = saved_model_pb2.SavedModel.FromString((checked / "saved_model.pb").read_bytes())
            self.definitions = {name: each for graph in saved.meta_graphs[:1] for name, each in graph.signature_def.items()}
            self._loaded = tf.saved_model.load(str(checked))  # held: the signatures do not keep its tables alive
            self.signatures = {
                name: Signature(name, function.structured_input_signature[1], function.structured_outputs, function)
                for name, function in self._loaded.signatures.items()
            }
            self.warmed_up = self._warm_up(checked)

    def signature(self, name: str, missing: str = NOT_FOUND, code: StatusCode = StatusCode.INVALID_ARGUMENT) -> Signature:
        """Return the signature of a name, the default one if it is empty. Raises Refused, with `missing` as its first words."""
        wanted = name or DEFAULT_SIGNATURE
        if wanted not in self.signatures:
            known = ", ".join(sorted(self.signatures))
            raise Refused(code, f"{missing.format(wanted)}. {self.model} version {self.version} has {known}.")
        return self.signatures[wanted]

    def hint(self, asked: Signature, given: Set[str]) -> str:
        """Return a sentence that names another signature which takes most of the given inputs; empty if none takes any."""
        others = [each for each in self.signatures.values() if each.name != asked.name]
        best = max(others, key=lambda each: (len(given & each.inputs.keys()), each.name), default=asked)
        if best is asked or len(given & best.inputs.keys()) <= len(given & asked.inputs.keys()):
            return ""
        return f' Signature {best.name} takes such inputs: name it, "signature_name": "{best.name}".'

    def _warm_up(self, folder: Path) -> int:
        """Replay the requests that the model brings along, and return their number."""
        path = folder / contents.WARM_UP
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) if path.exists() else []
        for record in records:
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            columns = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            self.signature(request.model_spec.signature_name).run(columns)
        return len(records)


@contextmanager
def _checked(folder: Path, version: int, keys: Keys) -> Iterator[Path]:
    """Yield a copy that nobody else writes to, compared with the manifest; without manifest and keys the folder itself."""
    if not keys.trusted and not (folder / MANIFEST).exists():
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "model"
        store.copy(store.read(folder.parent, version, keys), copy)
        yield copy
