"""TensorFlow Serving's JSON: requests, in rows or columns, to arrays, and answers back. Errors name what is wrong."""

import base64
import itertools
import json
from collections.abc import Callable, Mapping, Set
from typing import Any

import numpy as np
import tensorflow as tf

from serving.refused import invalid
from serving.server.servable import Signature, Tensors

ROWS, COLUMNS, EXAMPLES = "instances", "inputs", "examples"
DECODER = json.JSONDecoder()
Hint = Callable[[Signature, Set[str]], str]  # says which other signature would take the inputs
ABSENT = {"f": "NaN", "O": '""'}  # what stands for a value that is missing, by numpy's kind
TYPES: dict[str, tuple[type, ...]] = {"f": (float, int), "i": (int,), "u": (int,), "b": (bool,), "O": (str, dict)}


def parse(body: bytes | bytearray) -> dict[str, Any]:
    """Parse a request's object. NaN and Infinity are allowed, and what follows the object is ignored. Raises Refused."""
    try:
        text = body.decode("utf-8-sig").lstrip(" \t\r\n")
        if not text:
            raise ValueError("The document is empty")
        content, _ = DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(content, dict):
        raise invalid(f"JSON Value: {json.dumps(content)[:60]} Is not object; expected one with {ROWS} or {COLUMNS}.")
    if not isinstance(content.get("signature_name", ""), str):
        raise invalid("'signature_name' key must be a string value.")
    return content


def is_object(value: Any) -> bool:
    """Tell whether a value is an object and not bytes in base64."""
    return isinstance(value, dict) and not (value.keys() == {"b64"} and isinstance(value["b64"], str))


def columns(content: Mapping[str, Any], signature: Signature, hint: Hint = lambda _signature, _given: "") -> Tensors:
    """Read the inputs of a predict request, in either format. Other keys are ignored.

    Raises:
        Refused: neither or both formats, inputs that are missing or unknown, values of a wrong type; with row and input.
    """
    if not signature.inputs:
        raise invalid(f"Failed to get input map for signature: {signature.name}")
    if ROWS in content and COLUMNS in content:
        raise invalid(f"Not formatted correctly expecting only one of '{COLUMNS}' or '{ROWS}' keys to exist.")
    if ROWS in content:
        values = _of_rows(content[ROWS], signature, hint)
    elif COLUMNS in content:
        values = _of_columns(content[COLUMNS], signature, hint)
    else:
        raise invalid(f"Missing '{COLUMNS}' or '{ROWS}' key: a list for each input, or a list of rows.")
    return {name: array(name, values[name], spec) for name, spec in signature.inputs.items()}


def _of_rows(rows: Any, signature: Signature, hint: Hint) -> dict[str, list]:
    if not isinstance(rows, list):
        raise invalid(f"Expecting '{ROWS}' to be an list/array of rows.")
    if not rows:
        raise invalid(f"No values in '{ROWS}' array; expected at least one row.")
    names = signature.inputs.keys()
    if not isinstance(rows[0], dict) and len(names) > 1:
        raise invalid(
            f"{ROWS} is a plain list, but expecting list of objects as multiple input tensors required: {', '.join(names)}."
        )
    named = is_object(rows[0])
    for number, row in enumerate(rows):
        if is_object(row) != named:
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise invalid(f"Expecting {wanted} but got {got} at item {number} of input list.")
        if named and row.keys() != names:
            raise invalid(_misnamed(number, row.keys(), signature) + (hint(signature, row.keys()) or _absent(signature, row)))
    return {name: [row[name] for row in rows] for name in names} if named else dict.fromkeys(names, rows)


def _misnamed(number: int, given: Set[str], signature: Signature) -> str:
    names = signature.inputs.keys()
    where = f"Failed to process element: {number}"
    if extra := [name for name in given if name not in names]:
        return (
            f"{where} key: {extra[0]} of '{ROWS}' list. Error: JSON object: does not have named input: {extra[0]}. "
            f"Signature {signature.name} takes {', '.join(names)}."
        )
    expected, missing = ",".join(sorted(names)), ", ".join(sorted(names - given))
    return f"{where} of '{ROWS}' list. JSON object keys must be equal to: {expected}. Missing: {missing}."


def _of_columns(values: Any, signature: Signature, hint: Hint) -> dict[str, Any]:
    names = signature.inputs.keys()
    if not is_object(values):
        if len(names) > 1:
            raise invalid(
                f"{COLUMNS} is a plain value/list, but expecting an object as multiple input tensors required: "
                f"{', '.join(names)}."
            )
        return dict.fromkeys(names, values)
    if missing := sorted(names - values.keys()):
        advice = hint(signature, values.keys()) or _absent(signature, values)
        raise invalid(f"Missing named input: {', '.join(missing)} in '{COLUMNS}' object.{advice}")
    return values


def _absent(signature: Signature, given: Mapping[str, Any]) -> str:
    """Return a sentence on how to send missing values; empty if leaving them out cannot be what was meant."""
    left_out = [_dtype(spec).kind for name, spec in signature.inputs.items() if name not in given]
    signs = [f"{ABSENT[kind]} for a {word}" for kind, word in (("f", "number"), ("O", "text")) if kind in left_out]
    return f" Where a value is missing, send {', '.join(signs)}." if given and signs else ""


def _dtype(spec: tf.TensorSpec) -> np.dtype:
    return np.dtype(spec.dtype.as_numpy_dtype)


def array(name: str, values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """Turn an input's values into the array that the signature wants. Raises Refused."""
    dtype = _dtype(spec)
    allowed = TYPES[dtype.kind]
    leaves, shape = _leaves(name, values)
    if not set(map(type, leaves)) <= set(allowed):
        index, wrong = next((index, value) for index, value in enumerate(leaves) if type(value) not in allowed)
        advice = f" Where it is missing, send {ABSENT[dtype.kind]}." if wrong is None and dtype.kind in ABSENT else ""
        raise invalid(f"input {name}, value {index} is {json.dumps(wrong)[:60]}; expected {spec.dtype.name}.{advice}")
    try:
        # From the leaves: numpy takes ten times as long for lists of lists, and halts all threads meanwhile.
        flat = [_text(name, leaf) for leaf in leaves] if dtype.kind == "O" else leaves
        return np.array(flat, dtype).reshape(shape)
    except (ValueError, OverflowError) as error:
        raise invalid(f"input {name} is not a tensor of {spec.dtype.name}: {error}") from error


def _leaves(name: str, values: Any) -> tuple[list, list[int]]:
    """Return the values within lists of lists, and the shape of these."""
    if not isinstance(values, list):
        raise invalid(f"input {name} is a {type(values).__name__}; expected a list.")
    leaves, shape = values, [len(values)]
    while leaves and all(type(value) is list for value in leaves):
        lengths = {len(value) for value in leaves}
        if len(lengths) > 1:
            raise invalid(f"input {name} is not a tensor: lists of {min(lengths)} and {max(lengths)} values are mixed.")
        shape.append(lengths.pop())
        leaves = [leaf for value in leaves for leaf in value]
    return leaves, shape


def _text(name: str, value: str | dict) -> bytes:
    try:
        if isinstance(value, str):
            return value.encode()
        if value.keys() != {"b64"}:
            raise ValueError(f"it has the keys {sorted(value)}")
        return base64.b64decode(value["b64"], validate=True)
    except (ValueError, TypeError) as error:
        wanted = "text" if isinstance(value, str) else '{"b64": "..."}'
        raise invalid(f"input {name} is not {wanted}: {error}") from error


def read_examples(content: dict[str, Any]) -> tuple[str, list[bytes]]:
    """Read a request for classes or numbers: the signature's name and serialized tf.Examples. Raises Refused."""
    shared = content.get("context", {})
    if not isinstance(shared, dict):
        raise invalid(f"Example must be JSON object but got JSON {type(shared).__name__}: context.")
    if EXAMPLES not in content:
        raise invalid(f"When method is classify or regress, key '{EXAMPLES}' is expected and was not found.")
    listed = content[EXAMPLES]
    if not isinstance(listed, list):
        raise invalid(f"Expecting '{EXAMPLES}' value to be an list/array of objects.")
    if not listed:
        raise invalid(f"'{EXAMPLES}' value is an empty array; expected at least one example.")
    rows = [shared | row if isinstance(row, dict) else row for row in listed]
    return content.get("signature_name", ""), list(map(example, itertools.count(), rows))


def example(number: int, values: Any) -> bytes:
    """Serialize one of `examples` as a tf.Example. Raises Refused."""
    if not isinstance(values, dict):
        raise invalid(f"Example must be JSON object but got JSON {type(values).__name__}: examples[{number}].")
    result = tf.train.Example()
    for name, value in values.items():
        leaves = value if isinstance(value, list) else [value]
        types = set(map(type, leaves))
        try:
            feature = result.features.feature[name]
            if not types:
                continue  # a feature without values has no type
            if types <= {int, bool}:
                feature.int64_list.value.extend(map(int, leaves))
            elif types == {float}:
                feature.float_list.value.extend(leaves)
            elif types <= {str, dict}:
                feature.bytes_list.value.extend(_text(name, leaf) for leaf in leaves)
            else:
                raise ValueError("Unexpected element type in feature; expected whole numbers, fractions or text, one of them")
        except (ValueError, OverflowError) as error:
            raise invalid(f"examples[{number}], feature {name} is {json.dumps(value)[:60]}: {error}") from error
    return result.SerializeToString()


def answers(found: Tensors, rows: bool) -> dict[str, Any]:
    """Make the body of an answer, in the format of its request. A single output goes without its name."""
    listed = {name: _listed(name, values) for name, values in found.items()}
    key = "predictions" if rows else "outputs"
    if len(listed) == 1:
        return {key: next(iter(listed.values()))}
    if not rows:
        return {key: listed}
    return {key: [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]}


def _listed(name: str, values: np.ndarray) -> list:
    if values.dtype == np.float32:
        # The shortest digits that are this float32; as float64 they would be 17.
        return np.reshape([float(text) for text in values.astype(str).ravel()], values.shape).tolist()
    if values.dtype.kind != "O":
        return values.tolist()
    coded = name.endswith("_bytes")
    flat = [{"b64": base64.b64encode(leaf).decode()} if coded else leaf.decode(errors="replace") for leaf in values.ravel()]
    return np.array(flat, object).reshape(values.shape).tolist()
