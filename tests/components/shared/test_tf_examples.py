"""The encoder beside tfx_bsl's decoder and TensorFlow's parser, on made rows and on the edges of the format."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tfx_bsl.coders import example_coder

from components.shared import tf_examples
from components.shared.errors import BadData
from components.span_example_gen import reader
from tests.lists import as_lists
from tests.neutral import COLUMNS, DATE


def decoded(examples: pa.BinaryArray) -> pa.RecordBatch:
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(examples.to_pylist())
    return batch.select(sorted(batch.schema.names))


def with_values(example: bytes) -> set[str]:
    """Names of the features that have any: of a missing text, tfx_bsl leaves an empty one."""
    features = tf.train.Example.FromString(example).features.feature
    return {name for name, feature in features.items() if feature.WhichOneof("kind")}


def test_rows_are_those_of_tfx_bsls_encoder(parcels):
    for batch in reader.read(parcels / "spans" / "2024-02" / "parcels.parquet", COLUMNS, DATE):
        rows = batch.drop_columns([DATE])
        expected = example_coder.RecordBatchToExamplesEncoder().encode(as_lists(rows))
        found = tf_examples.encode(rows)
        assert decoded(found).equals(decoded(pa.array(expected)))
        names = [with_values(each[0].as_py()) for each in (found, pa.array(expected))]
        assert names[0] == names[1] == set(tf.train.Example.FromString(found[0].as_py()).features.feature)


@pytest.mark.parametrize(
    ("kind", "values", "type_"),
    [
        ("int64_list", [0, 127, 128, -1, 2**63 - 1, -(2**63)], pa.int64()),
        ("float_list", np.array([0, -0.0, np.inf, 1e-45, 3.4e38], np.float32).tolist(), pa.float32()),
        ("bytes_list", [b"", b"\0", "Å".encode(), b"x" * 300], pa.binary()),
    ],
)
def test_every_value_comes_back(kind, values, type_):
    name = "n" * 200  # a name whose length takes two bytes
    batch = pa.record_batch({name: pa.array([*values, None], type_)})
    *rows, missing = [tf.train.Example.FromString(example) for example in tf_examples.encode(batch).to_pylist()]
    assert [list(getattr(row.features.feature[name], kind).value) for row in rows] == [[value] for value in values]
    assert not missing.features.feature


def test_nan_is_a_value():
    [row] = tf_examples.encode(pa.record_batch({"x": pa.array([np.nan], pa.float32())})).to_pylist()
    assert np.isnan(tf.train.Example.FromString(row).features.feature["x"].float_list.value[0])


def test_no_rows_are_no_examples():
    batch = pa.record_batch({"x": pa.array([], pa.float32()), "y": pa.array([], pa.string())})
    assert tf_examples.encode(batch).to_pylist() == []


def test_another_type_is_refused_by_its_column():
    with pytest.raises(BadData, match="Column x is double; expected one of float, int64, string, binary"):
        tf_examples.encode(pa.record_batch({"x": pa.array([1.0], pa.float64())}))
