"""On statistics that TFDV makes of arrays and of the neutral problem's rows."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)
from hypothesis import given, settings
from hypothesis import strategies as st

from components.run_report import histograms
from tests import neutral
from tests.neutral import COLUMNS, DATE

import tensorflow_data_validation as tfdv  # isort: skip
from tensorflow_data_validation.statistics import stats_impl  # isort: skip

NUMBERS = [name for name, dtype in COLUMNS.items() if dtype != "string"]


def statistics(values):
    """Of one column, as StatisticsGen makes them."""
    kind = {"i": pa.int64(), "f": pa.float32()}.get(np.asarray(values).dtype.kind, pa.string())
    column = pa.array([[value] for value in np.asarray(values).tolist()], pa.list_(kind))
    options = tfdv.StatsOptions(num_histogram_buckets=50)
    made = stats_impl.generate_statistics_in_memory(pa.RecordBatch.from_arrays([column], ["x"]), options)
    return made.datasets[0].features[0]


def binned(*datasets) -> tuple[list[float], list[list[float]]]:
    """The common edges, and the shares of each dataset."""
    found = [statistics(np.asarray(values)) for values in datasets]
    unit = histograms.unit(found)
    edges = histograms.edges(found, unit)
    return edges, [histograms.shares(each, edges, unit) for each in found]


def exact(values, edges) -> np.ndarray:
    """The shares as they are; the outermost bins take what is beyond them."""
    inner = np.searchsorted(np.sort(values), edges[1:-1], side="right") / len(values)
    return np.diff([0, *inner, 1])


numbers = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50)


@settings(max_examples=60, deadline=None)
@given(numbers, numbers)
def test_bins_are_common_equally_wide_and_hold_every_value(first, second):
    edges, shares = binned(first, second)
    assert 2 <= len(edges) <= histograms.BINS + 1
    widths = np.diff(edges)
    assert widths.min() > 0
    assert widths.max() / widths.min() < 1.01
    for each in shares:
        assert len(each) == len(edges) - 1
        assert min(each) >= 0
        assert sum(each) == pytest.approx(1, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-100, 100), min_size=2, max_size=50), st.sampled_from([1, 10, 50]))
def test_no_whole_number_lies_on_an_edge(values, unit):
    values = [value * unit for value in values]
    edges, _ = binned(values)
    assert not set(edges) & set(values)


@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_few_whole_numbers_have_a_bin_each(dtype):
    values = np.random.default_rng(0).choice([0, 1, 2, 6], p=[0.5, 0.3, 0.15, 0.05], size=20_000)
    edges, [shares] = binned(values.astype(dtype))
    assert edges == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    np.testing.assert_allclose(shares, exact(values, edges), atol=0.002)


def test_an_outlier_does_not_squeeze_the_others_into_one_bin():
    usual = np.random.default_rng(0).normal(50, 10, 20_000).astype("float32")
    edges, [shares] = binned(np.append(usual, np.float32(1e6)))
    assert edges[0] > 0
    assert edges[-1] < 120
    assert len(edges) > histograms.BINS / 2
    assert max(shares) < 0.3


def test_a_constant_has_one_bin_and_a_column_without_a_value_none():
    edges, [shares] = binned(np.full(100, 0.25, "float32"))
    assert len(edges) == 2
    assert edges[0] < 0.25 < edges[1]
    assert shares == [1.0]
    empty = histograms.FeatureNameStatistics(num_stats={})
    assert histograms.edges([empty], histograms.unit([empty])) == []


def test_a_dataset_without_a_value_has_empty_bins():
    known, empty = statistics(np.arange(5)), histograms.FeatureNameStatistics(num_stats={})
    edges = histograms.edges([known, empty], histograms.unit([known, empty]))
    assert histograms.shares(empty, edges, 1) == [0.0] * 5


def test_infinite_values_do_not_make_infinite_edges():
    values = np.append(np.random.default_rng(0).uniform(0, 1, 1000), [np.inf, -np.inf]).astype("float32")
    edges, [shares] = binned(values)
    assert np.isfinite(edges).all()
    assert sum(shares) == pytest.approx(1, abs=1e-4)


def test_rows_are_in_their_bins():
    """March beside January and February, each with the buckets of its own ends; the distance is the share in a wrong bin."""
    rows = neutral.rows().assign(ordered=lambda made: made.ordered // 10 * 10)
    winter, march = rows[rows[DATE] < "2024-03-01"], rows[rows[DATE] >= "2024-03-01"]
    distances = {}
    for name in NUMBERS:
        columns = [part[name].dropna().to_numpy(COLUMNS[name]) for part in (winter, march)]
        edges, shares = binned(*columns)
        both = [np.abs(exact(*each) - found).sum() / 2 for *each, found in zip(columns, itertools.repeat(edges), shares)]
        distances[name] = max(both)
    assert max(distances.values()) < 0.15, distances
    assert np.median(list(distances.values())) < 0.04, distances
    assert distances["weekday"] < 0.01
    assert distances["ordered"] < 0.02  # multiples of ten


def test_categories_are_the_most_frequent_of_the_first_dataset():
    first = np.array([f"c{index:02}" for index in range(20) for _ in range(40 - index)])
    second = np.array(["c00", "new", "new", "c19"])
    found = [statistics(first), statistics(second)]
    names = histograms.categories(found)
    assert names == [*(f"c{index:02}" for index in range(12)), "other"]
    assert histograms.category_shares(found[1], names) == [0.25, *[0.0] * 11, 0.75]
    assert histograms.category_shares(found[0], names)[0] == pytest.approx(40 / len(first), abs=1e-6)


def test_a_category_named_other_counts_among_the_others():
    found = statistics(np.array(["other", "other", "JFK"]))
    assert histograms.categories([found]) == ["JFK", "other"]
    assert histograms.category_shares(found, ["JFK", "other"]) == pytest.approx([1 / 3, 2 / 3], abs=1e-6)


def test_categories_without_a_value_are_all_others():
    empty = histograms.FeatureNameStatistics(string_stats={})
    assert histograms.categories([empty]) == ["other"]
    assert histograms.category_shares(empty, ["other"]) == [0.0]
