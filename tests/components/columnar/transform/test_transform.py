"""Our Transform and TFX's own on the same rows, each on the real Beam runner."""

from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.transform.component import Transform as Stock
from tfx.types import standard_artifacts
from tfx.types.channel_utils import as_channel

from components.columnar.transform.component import Transform
from components.shared.errors import BadData
from pipeline.problem import Kind
from tests.beam import nodes, outputs
from tests.neutral import FEATURES, LABEL, PROBLEM

PREPROCESSING = "pipeline.model.preprocessing.preprocessing_fn"
SPLITS = ("train", "eval")
# float32 rounds what means and deviations become; those are sums, added in another order.
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def schema(parcels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    (folder / "schema.pbtxt").write_text((parcels / "schema.pbtxt").read_text())
    artifact = standard_artifacts.Schema()
    artifact.uri = str(folder)
    return artifact


def transform(component, examples, schema, folder):
    config = {"declaration": PROBLEM.declaration()}
    node = component(as_channel([examples]), as_channel([schema]), preprocessing_fn=PREPROCESSING, custom_config=config)
    return nodes.run(node, {"examples": examples, "schema": schema}, folder, nodes.LOCAL)


@pytest.fixture(scope="module")
def stock(examples, schema, tmp_path_factory):
    return transform(Stock, examples, schema, tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="module")
def ours(examples, schema, tmp_path_factory):
    return transform(Transform, examples, schema, tmp_path_factory.mktemp("ours"))


@pytest.mark.parametrize("split", SPLITS)
def test_every_transformed_value_is_the_stock_components(stock, ours, split):
    expected, found = (outputs.rows(Path(run["transformed_examples"].uri) / f"Split-{split}") for run in (stock, ours))
    assert len(found) > 300
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=TOLERANCE)
    exact = [feature.name for feature in FEATURES if feature.kind in (Kind.CATEGORICAL, Kind.CYCLIC, Kind.FLAG)] + [LABEL]
    pd.testing.assert_frame_equal(found[exact], expected[exact], check_exact=True)


def test_vocabularies_and_metadata_are_the_stock_components(stock, ours):
    graphs = [tft.TFTransformOutput(run["transform_graph"].uri) for run in (stock, ours)]
    for feature in [feature for feature in FEATURES if feature.kind is Kind.CATEGORICAL]:
        expected, found = (graph.vocabulary_by_name(feature.name) for graph in graphs)
        assert found == expected
        assert found
    expected, found = graphs
    assert found.transformed_feature_spec() == expected.transformed_feature_spec()
    assert found.raw_feature_spec() == expected.raw_feature_spec()


def test_the_graph_gives_what_was_written(examples, ours):
    graph = tft.TFTransformOutput(ours["transform_graph"].uri)
    [raw] = tf.io.gfile.glob(f"{examples.uri}/Split-eval/*")
    [prepared] = tf.io.gfile.glob(f"{ours['transformed_examples'].uri}/Split-eval/*")
    raw, prepared = (list(tf.data.TFRecordDataset(path, "GZIP").as_numpy_iterator()) for path in (raw, prepared))
    answers = graph.transform_features_layer()(tf.io.parse_example(raw, graph.raw_feature_spec()))
    written = tf.io.parse_example(prepared, graph.transformed_feature_spec())  # row by row: the order is kept
    for name, values in written.items():
        tf.debugging.assert_equal(values, answers[name], name)


def test_two_runs_agree_to_the_bit(examples, schema, ours, tmp_path):
    again = transform(Transform, examples, schema, tmp_path)
    for split in SPLITS:
        expected, found = (outputs.rows(Path(run["transformed_examples"].uri) / f"Split-{split}") for run in (ours, again))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_nothing_temporary_stays(ours):
    assert {path.name for path in Path(ours["transform_graph"].uri).iterdir()} == {
        "metadata",
        "transform_fn",
        "transformed_metadata",
    }


def test_examples_of_another_kind_are_refused(examples, schema, tmp_path):
    other = standard_artifacts.Examples()
    other.copy_from(examples)
    other.set_string_custom_property("payload_format", "FORMAT_PROTO")
    with pytest.raises(BadData, match="holds FORMAT_PROTO; expected FORMAT_TF_EXAMPLE"):
        transform(Transform, other, schema, tmp_path)


def test_a_split_without_files_is_refused(examples, schema, tmp_path):
    other = standard_artifacts.Examples()
    other.copy_from(examples)
    other.uri = str(tmp_path / "empty")
    with pytest.raises(BadData, match=r"No files in .*Split-train"):
        transform(Transform, other, schema, tmp_path)
