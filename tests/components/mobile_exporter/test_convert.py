"""Preprocessing that a phone cannot do is refused with the feature's name: graphs that tf.Transform itself saved."""

import json

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from components.mobile_exporter.convert import culprits
from components.mobile_exporter.replay import TransformGraph
from components.shared.errors import NotConvertible

COLUMNS = {"word": "string", "number": "float32"}


def saved(preprocessing_fn, folder) -> str:
    """The transform_fn that tf.Transform saves for a few rows."""
    spec = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in COLUMNS.items()}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    rows = [{"word": [word], "number": [float(number)]} for number, word in enumerate("aabbc")]
    with beam.Pipeline(argv=["--runner=FnApiRunner"]) as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        data = pipeline | beam.Create(rows)
        transform = (data, metadata) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = transform | tft_beam.WriteTransformFn(str(folder))
    return str(folder / "transform_fn")


def dense(column: tf.SparseTensor, missing) -> tf.Tensor:
    return tf.squeeze(
        tf.sparse.to_dense(tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1]), missing), 1
    )


def scaled(inputs):
    return tft.scale_to_z_score(dense(inputs["number"], 0.0))


def replayed(graph: TransformGraph, name: str):
    columns = {"word": tf.constant(["a", "zebra", ""]), "number": tf.constant([0.0, 2.0, 4.0])}
    return tf.function(lambda: graph(columns, [name]), autograph=False)()[name].numpy()


def test_a_vocabulary_and_a_scale_are_replayed(tmp_path):
    def preprocessing_fn(inputs):
        words = dense(inputs["word"], "missing")
        return {"index": tft.compute_and_apply_vocabulary(words, num_oov_buckets=1), "scaled": scaled(inputs)}

    graph = TransformGraph(saved(preprocessing_fn, tmp_path))
    assert replayed(graph, "index").tolist()[1:] == [3, 3]
    assert replayed(graph, "index")[0] in (0, 1)
    assert replayed(graph, "scaled").tolist() == pytest.approx([-(2**0.5), 0, 2**0.5])
    assert culprits(graph, COLUMNS, 1) == ""


def test_unseen_words_in_many_buckets_are_refused(tmp_path):
    def preprocessing_fn(inputs):
        words = dense(inputs["word"], "missing")
        return {"index": tft.compute_and_apply_vocabulary(words, num_oov_buckets=7), "scaled": scaled(inputs)}

    graph = TransformGraph(saved(preprocessing_fn, tmp_path))
    with pytest.raises(NotConvertible, match=r"prepared feature index cannot be exported: .* 7 buckets; expected num_oov"):
        replayed(graph, "index")
    assert json.dumps(replayed(graph, "scaled").tolist())
    assert culprits(graph, COLUMNS, 1) == "index"


def test_an_operation_without_a_counterpart_is_named_by_its_feature(tmp_path):
    def preprocessing_fn(inputs):
        return {"length": tf.cast(tf.strings.length(dense(inputs["word"], "")), tf.int64), "scaled": scaled(inputs)}

    assert culprits(TransformGraph(saved(preprocessing_fn, tmp_path)), COLUMNS, 1) == "length"
