"""TensorFlow Serving's JSON: requests in rows or columns to arrays, and answers back. Everything wrong is named."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from serving.refused import invalid
from serving.server.servable import Columns, Signature

ROWS, COLUMNS = "instances", "inputs"
TYPES: dict[str, tuple[type, ...]] = {"f": (float, int), "i": (int,), "u": (int,), "b": (bool,), "O": (str, dict)}


def parse(body: bytes | bytearray) -> dict[str, Any]:
    """A request's object. NaN and Infinity are allowed, as TensorFlow Serving does. Raises Refused."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(content, dict):
        raise invalid(f"JSON Parse error: the request is a {type(content).__name__}; expected an object.")
    if not isinstance(content.get("signature_name", ""), str):
        raise invalid("signature_name is no text.")
    return content


def columns(content: Mapping[str, Any], signature: Signature) -> Columns:
    """The inputs of a predict request, in either format.

    Raises:
        Refused: neither or both formats, inputs that are missing or unknown, values of a wrong type; with row and input.
    """
    if unknown := sorted(content.keys() - {"signature_name", ROWS, COLUMNS}):
        raise invalid(f"{', '.join(unknown)} is no key of a request; expected signature_name and {ROWS} or {COLUMNS}.")
    if (ROWS in content) == (COLUMNS in content):
        raise invalid(f"Expected one of {ROWS} (a list of rows) and {COLUMNS} (a list for each input).")
    values = _of_rows(content[ROWS], signature) if ROWS in content else _of_columns(content[COLUMNS], signature)
    return {name: array(name, values[name], spec) for name, spec in signature.inputs.items()}


def _of_rows(rows: Any, signature: Signature) -> dict[str, list]:
    if not isinstance(rows, list) or not rows:
        raise invalid(f"{ROWS} is no list of at least one row.")
    names = signature.inputs.keys()
    if len(names) == 1 and not (isinstance(rows[0], dict) and rows[0].keys() == names):
        return dict.fromkeys(names, rows)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise invalid(f"{ROWS}[{number}] is a {type(row).__name__}; expected an object with {', '.join(names)}.")
        if row.keys() != names:
            missing, extra = sorted(names - row.keys()), sorted(row.keys() - names)
            raise invalid(f"{ROWS}[{number}]: missing {missing}, unknown {extra}; expected the inputs of {signature.name}.")
    return {name: [row[name] for row in rows] for name in names}


def _of_columns(values: Any, signature: Signature) -> dict[str, Any]:
    names = signature.inputs.keys()
    if len(names) == 1 and not (isinstance(values, dict) and values.keys() == names):
        return dict.fromkeys(names, values)
    if not isinstance(values, dict):
        raise invalid(f"{COLUMNS} is a {type(values).__name__}; expected an object with {', '.join(names)}.")
    signature.check_names(set(values))
    return values


def array(name: str, values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """An input's values as the signature wants them. Raises Refused."""
    dtype = np.dtype(spec.dtype.as_numpy_dtype)
    allowed = TYPES[dtype.kind]
    if not isinstance(values, list):
        raise invalid(f"input {name} is a {type(values).__name__}; expected a list.")
    leaves, shape = values, [len(values)]
    while leaves and all(type(value) is list for value in leaves):
        lengths = {len(value) for value in leaves}
        if len(lengths) > 1:
            raise invalid(f"input {name} is no tensor: lists of {min(lengths)} and {max(lengths)} values stand side by side.")
        shape.append(lengths.pop())
        leaves = [leaf for value in leaves for leaf in value]
    if not set(map(type, leaves)) <= set(allowed):
        index, wrong = next((index, value) for index, value in enumerate(leaves) if type(value) not in allowed)
        raise invalid(f"input {name}, value {index} is {json.dumps(wrong)[:60]}; expected {spec.dtype.name}.")
    try:
        # Of the leaves: numpy takes ten times as long for lists of lists, and halts all threads meanwhile.
        flat = np.empty(len(leaves), object) if dtype.kind == "O" else np.array(leaves, dtype)
        if dtype.kind == "O":
            flat[:] = [_text(name, leaf) for leaf in leaves]
        return flat.reshape(shape)
    except (ValueError, OverflowError) as error:
        raise invalid(f"input {name} is no tensor of {spec.dtype.name}: {error}") from error


def _text(name: str, value: str | dict) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise invalid(f"input {name} is no text: {error}") from error
    try:
        if value.keys() != {"b64"}:
            raise ValueError(f"it has the keys {sorted(value)}")
        return base64.b64decode(value["b64"], validate=True)
    except (ValueError, TypeError, binascii.Error) as error:
        raise invalid(f'input {name} is no {{"b64": "..."}}: {error}') from error


def example(number: int, values: Any) -> bytes:
    """One of `examples` as a serialized tf.Example. Raises Refused."""
    if not isinstance(values, dict):
        raise invalid(f"examples[{number}] is a {type(values).__name__}; expected an object of features.")
    result = tf.train.Example()
    for name, value in values.items():
        leaves = value if isinstance(value, list) else [value]
        types = set(map(type, leaves))
        try:
            feature = result.features.feature[name]
            if types <= {int}:
                feature.int64_list.value.extend(leaves)
            elif types <= {int, float}:
                feature.float_list.value.extend(leaves)
            elif types <= {str, dict}:
                feature.bytes_list.value.extend(_text(name, leaf) for leaf in leaves)
            else:
                raise ValueError("expected numbers or text, or a list of one of them")
        except (ValueError, OverflowError) as error:
            raise invalid(f"examples[{number}], feature {name} is {json.dumps(value)[:60]}: {error}") from error
    return result.SerializeToString()


def answers(found: Columns, rows: bool) -> dict[str, Any]:
    """The body of an answer, in the format of its request. A single output goes without its name."""
    listed = {name: _listed(name, values) for name, values in found.items()}
    if not rows:
        return {"outputs": next(iter(listed.values())) if len(listed) == 1 else listed}
    if len(listed) == 1:
        return {"predictions": next(iter(listed.values()))}
    return {"predictions": [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]}


def _listed(name: str, values: np.ndarray) -> list:
    if values.dtype == np.float32:
        # The shortest digits that are this float32; as float64 they would be 17.
        return np.reshape([float(text) for text in values.astype(str).ravel()], values.shape).tolist()
    if values.dtype.kind != "O":
        return values.tolist()
    coded = name.endswith("_bytes")
    flat = [{"b64": base64.b64encode(leaf).decode()} if coded else leaf.decode(errors="replace") for leaf in values.ravel()]
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(values.shape).tolist()
