"""Put TFDV's statistics of one feature in several datasets on common bins. Pure functions over its protos.

TFDV lays a histogram's buckets between the smallest and the largest value of a dataset, so the buckets of two datasets differ.
Here each becomes its cumulative distribution, known at the edges of all its buckets and linear between them, which is read at
edges that all share. Where such an edge lies within a bucket, the bin beside it may get too much: of real rows, 2 % of the
values stand in a wrong bin (median of the features), and 11 % in a column of few and uneven steps.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics, Histogram

BINS = 25  # the most; at least half as many, unless there are fewer values
STEPS = (1, 2, 2.5, 5, 10)  # widths that people count in, times a power of ten
FENCE = 1.5  # distances of the outer deciles
CATEGORIES = 12
OTHER = "other"


def unit(features: Iterable[FeatureNameStatistics]) -> int:
    """Return what all values of a number are multiples of, judged by deciles and ends; 0 if these are not whole numbers."""
    known = np.concatenate([_deciles(feature) for feature in features])
    if not len(known) or not all(float(value).is_integer() for value in known):
        return 0
    return math.gcd(*(int(value) for value in known)) or 1


def edges(features: Sequence[FeatureNameStatistics], of: int) -> list[float]:
    """Choose edges of equally wide bins for a number, of which `of` is the unit, in all datasets; none if none has a value.

    The bins reach `FENCE` times the distance of the outer deciles beyond these, so that an outlier does not squeeze all others
    into one bin; the first and the last bin take what is beyond. All bins of whole numbers hold the same count of them, one if
    they are few. Other bins have a round number in their middle: values are often rounded, and one that lies on an edge would
    fall to either side by chance.
    """
    known = [deciles for feature in features if len(deciles := _deciles(feature)) > 1]
    if not known:
        return []
    scale = of or 1
    ends = np.array([(deciles[0], deciles[-1]) for deciles in known])
    if not of or (ends.max() - ends.min()) / scale >= BINS:
        ends = np.array([_fences(deciles) for deciles in known])
    low, high = ends.min() / scale, ends.max() / scale
    width = _width(high - low, whole=bool(of))
    middle, half = (0.0, 0.5) if of else (0.5, width / 2)
    first, last = (math.floor(end / width + middle) for end in (low, high))
    return [float(f"{scale * (index * width - half):.12g}") for index in range(first, last + 2)]


def shares(feature: FeatureNameStatistics, at: Sequence[float], of: int) -> list[float]:
    """Return the share of a number's values in each bin between the edges `at`, both ends included; zeros if it has none."""
    values, below = _cumulative(feature, of)
    if not len(values):
        return [0.0] * (len(at) - 1)
    return _rounded(np.diff([0.0, *np.interp(at[1:-1], values, below), 1.0]))


def categories(features: Sequence[FeatureNameStatistics]) -> list[str]:
    """List the most frequent values of the first dataset that has any, and `OTHER` for all that are not named."""
    for feature in features:
        if counts := _counts(feature):
            frequent = [name for name, _ in counts.most_common() if name != OTHER]
            return [*frequent[:CATEGORIES], OTHER]
    return [OTHER]


def category_shares(feature: FeatureNameStatistics, names: Sequence[str]) -> list[float]:
    """Return the share of a category's values in each of `names`, the last one for all others; zeros if it has none."""
    total = feature.string_stats.common_stats.num_non_missing
    counts = _counts(feature)
    named = [counts[name] / total if total else 0.0 for name in names[:-1]]
    return _rounded([*named, max(0.0, 1 - sum(named)) if total else 0.0])


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 6) for value in values]


def _counts(feature: FeatureNameStatistics) -> Counter[str]:
    return Counter({bucket.label: bucket.sample_count for bucket in feature.string_stats.rank_histogram.buckets})


def _deciles(feature: FeatureNameStatistics) -> np.ndarray:
    """Return the finite edges of TFDV's ten buckets of equal count: values of the dataset, with its ends."""
    found = [each for each in feature.num_stats.histograms if each.type == Histogram.QUANTILES]
    return _points(found[0])[0] if found else np.empty(0)


def _points(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Return the finite edges of the buckets, and the share of the values up to each."""
    if not histogram.buckets:
        return np.empty(0), np.empty(0)
    ends = np.array([histogram.buckets[0].low_value, *(bucket.high_value for bucket in histogram.buckets)])
    counts = np.cumsum([0.0, *(bucket.sample_count for bucket in histogram.buckets)])
    known = np.isfinite(ends) & (counts[-1] > 0)
    return ends[known], counts[known] / max(counts[-1], 1)


def _cumulative(feature: FeatureNameStatistics, of: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending values and the share of the feature's values up to each, from all its histograms together.

    The deciles show where the mass is when an outlier has made all other buckets wide. Between multiples of the unit nothing
    is added, so a share known anywhere between two is known in the middle, where the bins' edges are.
    """
    points = [_points(histogram) for histogram in feature.num_stats.histograms] or [(np.empty(0), np.empty(0))]
    ends, below = (np.concatenate(parts) for parts in zip(*points, strict=True))
    if of:
        ends = (np.floor(ends / of) + 0.5) * of
    order = np.lexsort((below, ends))
    return ends[order], np.maximum.accumulate(below[order])


def _fences(deciles: np.ndarray) -> tuple[float, float]:
    """Return the ends, or the points `FENCE` distances of the outer deciles beyond these if those are nearer."""
    low, high = deciles[0], deciles[-1]
    reach = FENCE * (deciles[-2] - deciles[1])
    return (max(low, deciles[1] - reach), min(high, deciles[-2] + reach)) if reach > 0 else (low, high)


def _width(extent: float, *, whole: bool) -> float:
    """Return the smallest step of which `BINS` cover the extent, wherever the first one begins."""
    least = extent / (BINS - 1)
    if (whole and least <= 1) or not extent:
        return 1
    power = 10.0 ** math.floor(math.log10(least))
    return next(width for step in STEPS if (width := step * power) >= least and not (whole and width % 1))
