"""The network's layers, and where the bins of numbers are."""

import numpy as np
import pytest

from pipeline.model import layers
from pipeline.model.layers import BINS, Bins, PiecewiseLinear


def encoded(numbers: np.ndarray, bins: Bins | None = None) -> np.ndarray:
    """What the network sees of numbers, shape [rows, n]."""
    layer = PiecewiseLinear()
    layer.build(numbers.shape)
    if bins:
        layer.set_weights([bins.begins, bins.steepness])
    return layer(numbers.astype("float32")).numpy()


def test_before_bins_are_set_each_is_half_a_deviation_wide():
    low, high = encoded(np.array([[-2.75], [9.0]]))
    assert low[:3].tolist() == [-2.75, 0.5, 0.0]  # halfway through the first one
    assert high.tolist() == [4.0] + [1.0] * BINS


def test_a_long_tail_fills_as_many_bins_as_a_bell():
    """Of a lognormal nearly all is in one bin of half a deviation; between quantiles each bin has a twelfth of the rows."""
    random = np.random.default_rng(1)
    numbers = np.stack([np.exp(2 * random.normal(size=5000)), random.normal(size=5000)], axis=1)
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    fixed, fitted = (
        encoded(numbers, bins).reshape(5000, 2, 1 + BINS)[:, :, 1:] for bins in (None, Bins.between_quantiles(numbers))
    )
    within = [np.mean((each > 0) & (each < 1), axis=0) for each in (fixed, fitted)]
    assert within[0][0].max() > 0.85
    np.testing.assert_allclose(within[1], 1 / BINS, atol=0.001)


def test_the_bins_add_up_to_the_rank():
    numbers = np.sort(np.random.default_rng(2).lognormal(size=(1201, 1)), axis=0)
    ranks = encoded(numbers, Bins.between_quantiles(numbers))[:, 1:].mean(axis=1)
    np.testing.assert_allclose(ranks, np.linspace(0, 1, 1201), atol=0.05)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([5.0] * 40, []),
        ([0.0] * 30 + [1.0] * 10, [0, 1]),
        ([1.0, 2.0, 3.0, 4.0, 5.0] * 8, [1, 2, 3, 4, 5]),
        ([0.0] * 37 + [0.5, 2.0, 9.0], [0, 9]),
        ([0.0, 1e-7] * 20, []),
    ],
    ids=["one value", "two", "five", "few besides one", "nearer than float32 tells"],
)
def test_few_values_have_as_few_bins(values, edges):
    bins = Bins.between_quantiles(np.array(values, "float32")[:, None])
    used = bins.steepness[0] > 0
    assert bins.begins[0][used].tolist() == edges[:-1]
    np.testing.assert_allclose(bins.begins[0][used] + 1 / bins.steepness[0][used], edges[1:])
    unused = encoded(np.array([[-9.0], [0.0], [9.0]]), bins)[:, 1:][:, ~used]
    assert (unused == 0).all()


def test_beyond_what_training_has_seen_the_bins_are_empty_or_full():
    bins = Bins.between_quantiles(np.random.default_rng(3).normal(size=(1000, 1)))
    for far in (100.0, 1e30, np.inf):
        assert encoded(np.array([[-far], [far]]), bins).tolist() == [[-4.0] + [0.0] * BINS, [4.0] + [1.0] * BINS]


def test_infinity_is_a_number_to_bins_that_are_not_used():
    bins = Bins.between_quantiles(np.array([0.0, 1.0] * 20)[:, None])
    assert encoded(np.array([[np.inf]]), bins).tolist() == [[4.0, 1.0] + [0.0] * (BINS - 1)]


def test_harmonics_are_those_of_the_angle_and_a_missing_one_is_the_centre():
    turn = 0.7
    found = layers.Harmonics(4)(np.array([[turn, 0], [0, 1]], "float32")).numpy()
    angles = 2 * np.pi * turn * np.arange(1, 5)
    expected = [*np.sin(angles), *np.cos(angles)]
    np.testing.assert_allclose(found, [expected, [0] * len(expected)], atol=1e-5)
