"""The preprocessing graph, analysed by tf.Transform itself."""

import functools
import math

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from pipeline.model.preprocessing import RARE, preprocessing_fn
from pipeline.problem import MISSING_CATEGORY, Kind
from tests.flights import COLUMNS, FEATURES, LABEL, PROBLEM

SPEC = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in COLUMNS.items()}


def row(**values) -> dict[str, list]:
    """A row in which everything that is not named is missing, the label aside."""
    return {name: [values[name]] if name in values else [] for name in COLUMNS} | {LABEL: [values.get(LABEL, 0)]}


ROWS = [
    row(carrier="UA", distance=100.0, temp=10.0, departure_minute=360.0, holiday=1, late=1, origin_late_share_1d=0.5),
    row(carrier="UA", distance=300.0, temp=30.0, departure_minute=0.0, holiday=0, origin_late_share_1d=1.0),
    row(carrier="AA", distance=200.0, engines=2.0),
]
RARE_ROW = row(carrier="ZZ", distance=200.0)
prepare = functools.partial(preprocessing_fn, custom_config={"problem": PROBLEM.model_dump(mode="json", by_alias=True)})


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    """(rows as prepared, the transform's output)."""
    folder = tmp_path_factory.mktemp("transform")
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(SPEC))
    context = tft_beam.Context(temp_dir=str(folder / "tmp"), desired_batch_size=8)  # so that batches are merged
    with beam.Pipeline(argv=["--runner=FnApiRunner"]), context:
        (data, _), transform = ([*ROWS * RARE, RARE_ROW], metadata) | tft_beam.AnalyzeAndTransformDataset(prepare)
        transform | tft_beam.WriteTransformFn(str(folder / "out"))
    return [*data[:3], data[-1]], tft.TFTransformOutput(str(folder / "out"))


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
    assert [row["temp"] for row in rows] == pytest.approx([-1, 1, 0, 0])  # mean and deviation of the two that are there
    assert [row["temp_missing"] for row in rows] == [0, 0, 1, 1]


def test_a_feature_without_variation_or_without_values_is_0_whatever_is_served(transformed):
    rows, output = transformed
    assert [row["engines"] for row in rows] == [0, 0, 0, 0]  # the one value that there is, and none
    assert [row["seats"] for row in rows] == [0, 0, 0, 0]  # no row has one
    for value in (3.0, math.inf, 1e30):
        served = prepared(output, engines=value, seats=value)
        assert [served["engines"], served["seats"]] == [0, 0]


def test_a_clock_is_a_share_of_the_day_or_missing(transformed):
    rows, _ = transformed
    assert [row["departure_minute"] for row in rows] == [0.25, 0, 0, 0]
    assert [row["departure_minute_missing"] for row in rows] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("minute", "share"),
    [(1440.0, 0), (1439.0, 1439 / 1440), (-360.0, 0.75), (3600.0, 0.5), (2.0**100, 2**100 % 1440 / 1440)],
)
def test_a_clock_counts_modulo_the_day(transformed, minute, share):
    served = prepared(transformed[1], departure_minute=minute)
    assert (served["departure_minute"], served["departure_minute_missing"]) == (pytest.approx(share), 0)


@pytest.mark.parametrize("minute", [math.inf, -math.inf, math.nan])
def test_infinity_is_nowhere_on_a_clock(transformed, minute):
    served = prepared(transformed[1], departure_minute=minute)
    assert (served["departure_minute"], served["departure_minute_missing"]) == (0, 1)


def test_flags_and_label(transformed):
    rows, _ = transformed
    assert [row["holiday"] for row in rows] == [1, 0, 0, 0]
    assert [row[LABEL] for row in rows] == [1, 0, 0, 0]
    assert [prepared(transformed[1], holiday=value)["holiday"] for value in (0, 1, -1, 2**62)] == [0, 1, 1, 1]


def test_shares_are_held_off_certainty_and_a_missing_one_is_the_mean(transformed):
    rows, _ = transformed
    assert [row["origin_late_share_1d"] for row in rows] == pytest.approx([0.5, 0.99, 0.745, 0.745])
    assert [row["carrier_late_share_7d"] for row in rows] == pytest.approx([0.01] * 4)  # no row has one
    served = [prepared(transformed[1], origin_late_share_1d=value) for value in (math.nan, math.inf, -math.inf, 1e30)]
    assert [row["origin_late_share_1d"] for row in served] == pytest.approx([0.745, 0.99, 0.01, 0.99])


def test_rare_and_unseen_categories_share_the_last_index(transformed):
    rows, output = transformed
    assert output.vocabulary_by_name("carrier") == [b"UA", b"AA"]
    assert [row["carrier"] for row in rows] == [0, 0, 1, 2]
    assert output.vocabulary_by_name("dest") == [MISSING_CATEGORY.encode()]
    assert prepared(output, carrier="ÅÄÖ")["carrier"] == 2


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_declarations_are_complete(feature):
    assert (feature.period > 0) == (feature.kind is Kind.CYCLIC)
    assert feature.name not in (LABEL, "date")
