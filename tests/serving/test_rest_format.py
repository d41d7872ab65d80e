"""Whatever JSON arrives, it becomes columns or is refused: nothing else."""

import json
import string

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.refused import Refused, StatusCode
from serving.server import rest_format
from serving.server.servable import Signature

INPUTS = {"x": tf.TensorSpec([None], tf.float32), "n": tf.TensorSpec([None], tf.int64), "s": tf.TensorSpec([None], tf.string)}
SIGNATURE = Signature("raw", INPUTS, {}, lambda: {})
DTYPES = {"x": np.float32, "n": np.int64, "s": np.object_}
FLOAT = st.floats(width=32)
ROW = st.fixed_dictionaries({"x": FLOAT, "n": st.integers(-(2**63), 2**63 - 1), "s": st.text(max_size=20)})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "n", "s", "b64", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8))
def test_rows_and_columns_say_the_same(rows):
    for content in ({"instances": rows}, {"inputs": {name: [row[name] for row in rows] for name in INPUTS}}):
        found = rest_format.columns(rest_format.parse(json.dumps(content).encode()), SIGNATURE)
        assert {name: column.dtype.type for name, column in found.items()} == DTYPES
        np.testing.assert_array_equal(found["x"], np.array([row["x"] for row in rows], np.float32))
        assert found["n"].tolist() == [row["n"] for row in rows]
        assert found["s"].tolist() == [row["s"].encode() for row in rows]


@settings(max_examples=600, deadline=None)
@given(st.fixed_dictionaries({}, optional={"instances": ANYTHING, "inputs": ANYTHING, "signature_name": ANYTHING}) | ANYTHING)
def test_anything_becomes_columns_or_is_refused(content):
    try:
        found = rest_format.columns(rest_format.parse(json.dumps(content).encode()), SIGNATURE)
    except Refused as error:
        assert error.code is StatusCode.INVALID_ARGUMENT
        assert str(error)
    else:
        assert {name: column.dtype.type for name, column in found.items()} == DTYPES


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
def test_any_bytes_are_an_object_or_refused(body):
    try:
        assert isinstance(rest_format.parse(body), dict)
    except Refused as error:
        assert error.code is StatusCode.INVALID_ARGUMENT


@settings(max_examples=200, deadline=None)
@given(st.lists(FLOAT, min_size=1, max_size=8))
def test_a_float32_survives_its_digits(values):
    scores = np.array(values, np.float32)
    text = json.dumps(rest_format.answers({"y": scores}, rows=True))
    np.testing.assert_array_equal(np.array(json.loads(text)["predictions"], np.float32), scores)


def test_bytes_are_coded_where_their_name_says_so():
    found = rest_format.answers({"a": np.array([b"x"], object), "b_bytes": np.array([b"\xff"], object)}, rows=False)
    assert found == {"outputs": {"a": ["x"], "b_bytes": [{"b64": "/w=="}]}}


@settings(max_examples=200, deadline=None)
@given(ANYTHING)
def test_any_example_is_one_or_is_refused(values):
    try:
        tf.train.Example.FromString(rest_format.example(0, values))
    except Refused as error:
        assert "examples[0]" in str(error) or "input" in str(error)


def test_matrices_of_text_keep_their_shape():
    spec = tf.TensorSpec([None, 2], tf.string)
    assert rest_format.array("m", [["a", "b"], ["c", "d"]], spec).shape == (2, 2)
    with pytest.raises(Refused):
        rest_format.array("m", [["a", "b"], ["c"]], spec)
