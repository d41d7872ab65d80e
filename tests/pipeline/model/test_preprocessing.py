"""The preprocessing graph, analysed by tf.Transform itself."""

import functools
import math

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from pipeline.model import preprocessing
from pipeline.model.preprocessing import RARE, preprocessing_fn
from pipeline.problem import MISSING_CATEGORY, Kind
from tests.neutral import COLUMNS, DATE, FEATURES, LABEL, PROBLEM

SPEC = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in COLUMNS.items()}


def row(**values) -> dict[str, list]:
    """A row in which everything that is not named is missing, the label aside."""
    return {name: [values[name]] if name in values else [] for name in COLUMNS} | {LABEL: [values.get(LABEL, 0)]}


ROWS = [
    row(shop="books", distance=100.0, price=10.0, ordered=360.0, gift=1, returned=1, country_share=0.5),
    row(shop="books", distance=300.0, price=30.0, ordered=0.0, gift=0, country_share=1.0),
    row(shop="toys", distance=200.0, weight=2.0),
]
RARE_ROW = row(shop="rare", distance=200.0)
prepare = functools.partial(preprocessing_fn, custom_config={"declaration": PROBLEM.declaration()})


def transform(folder):
    """The prepared rows, and the transform's output."""
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(SPEC))
    context = tft_beam.Context(temp_dir=str(folder / "tmp"), desired_batch_size=8)  # so that batches are merged
    with beam.Pipeline(argv=["--runner=FnApiRunner"]), context:
        (data, _), transform = ([*ROWS * RARE, RARE_ROW], metadata) | tft_beam.AnalyzeAndTransformDataset(prepare)
        transform | tft_beam.WriteTransformFn(str(folder / "out"))
    return [*data[:3], data[-1]], tft.TFTransformOutput(str(folder / "out"))


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    """(rows as prepared, the transform's output)."""
    return transform(tmp_path_factory.mktemp("transform"))


def prepared(output: tft.TFTransformOutput, **values) -> dict[str, float]:
    """One row that is served; what is not named is missing."""
    raw = {
        name: tf.constant([[values[name]]] if name in values else [[]], tf.as_dtype(dtype))
        for name, dtype in COLUMNS.items()
        if name != LABEL
    }
    sparse = {
        name: tf.SparseTensor(tf.where(tf.ones_like(column, tf.bool)), tf.reshape(column, [-1]), [1, 1])
        for name, column in raw.items()
    }
    return {name: column.numpy().item() for name, column in output.transform_features_layer()(sparse).items()}


def test_outputs_are_the_declared_ones(transformed):
    rows, output = transformed
    declared = {name for feature in FEATURES for name in feature.prepared} | {LABEL}
    assert set(rows[0]) == set(output.transformed_feature_spec()) == declared


def test_numbers_are_z_scores_and_missing_ones_the_mean(transformed):
    rows, _ = transformed
    assert [row["distance"] for row in rows] == pytest.approx([-math.sqrt(1.5), math.sqrt(1.5), 0, 0], rel=0.01)
    assert [row["price"] for row in rows] == pytest.approx([-1, 1, 0, 0])  # mean and deviation of the two that are there
    assert [row["price_missing"] for row in rows] == [0, 0, 1, 1]


def test_a_feature_without_variation_or_without_values_is_0_whatever_is_served(transformed):
    rows, output = transformed
    assert [row["weight"] for row in rows] == [0, 0, 0, 0]  # the one value that there is, and none
    assert [row["items"] for row in rows] == [0, 0, 0, 0]  # no row has one
    for value in (3.0, math.inf, 1e30):
        served = prepared(output, weight=value, items=value)
        assert [served["weight"], served["items"]] == [0, 0]


def test_a_clock_is_a_share_of_the_day_or_missing(transformed):
    rows, _ = transformed
    assert [row["ordered"] for row in rows] == [0.25, 0, 0, 0]
    assert [row["ordered_missing"] for row in rows] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("minute", "share"),
    [(1440.0, 0), (1439.0, 1439 / 1440), (-360.0, 0.75), (3600.0, 0.5), (2.0**100, 2**100 % 1440 / 1440)],
)
def test_a_clock_counts_modulo_the_day(transformed, minute, share):
    served = prepared(transformed[1], ordered=minute)
    assert (served["ordered"], served["ordered_missing"]) == (pytest.approx(share), 0)


@pytest.mark.parametrize("minute", [math.inf, -math.inf, math.nan])
def test_infinity_is_nowhere_on_a_clock(transformed, minute):
    served = prepared(transformed[1], ordered=minute)
    assert (served["ordered"], served["ordered_missing"]) == (0, 1)


def test_flags_and_label(transformed):
    rows, _ = transformed
    assert [row["gift"] for row in rows] == [1, 0, 0, 0]
    assert [row[LABEL] for row in rows] == [1, 0, 0, 0]
    assert [prepared(transformed[1], gift=value)["gift"] for value in (0, 1, -1, 2**62)] == [0, 1, 1, 1]


def test_shares_are_held_off_certainty_and_a_missing_one_is_the_mean(transformed):
    rows, _ = transformed
    assert [row["country_share"] for row in rows] == pytest.approx([0.5, 0.99, 0.745, 0.745])
    assert [row["shop_share"] for row in rows] == pytest.approx([0.01] * 4)  # no row has one
    served = [prepared(transformed[1], country_share=value) for value in (math.nan, math.inf, -math.inf, 1e30)]
    assert [row["country_share"] for row in served] == pytest.approx([0.745, 0.99, 0.01, 0.99])


def test_rare_and_unseen_categories_share_the_last_index(transformed):
    rows, output = transformed
    assert output.vocabulary_by_name("shop") == [b"books", b"toys"]
    assert [row["shop"] for row in rows] == [0, 0, 1, 2]
    assert output.vocabulary_by_name("country") == [MISSING_CATEGORY.encode()]
    assert prepared(output, shop="ÅÄÖ")["shop"] == 2


def test_of_many_categories_the_most_frequent_have_an_index(tmp_path, monkeypatch):
    monkeypatch.setattr(preprocessing, "MOST_EMBEDDED", 1)
    rows, output = transform(tmp_path)
    assert output.vocabulary_by_name("shop") == [b"books"]
    assert [row["shop"] for row in rows] == [0, 0, 1, 1]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_declarations_are_complete(feature):
    assert (feature.period > 0) == (feature.kind is Kind.CYCLIC)
    assert feature.name not in (LABEL, DATE)
