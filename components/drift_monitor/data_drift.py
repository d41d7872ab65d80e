"""Compare two sets of TFDV statistics, feature by feature. Pure functions over its protos."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.drift_monitor.comparators import COMPARATOR, refuse_infinity_norm
from components.drift_monitor.performance import JENSEN_SHANNON, jensen_shannon
from components.shared.drift_report import Check, DriftKind, checked
from components.shared.tfdv_statistics import by_name, common_stats, is_constant, missing_share

L_INFINITY = "L-infinity"
CONSTANT = "share in one bucket"
CONSTANT_SHARE = 0.995  # of rows: the feature is stuck; TFDV's approximate quantiles blur a tenth of a percent
VARYING_QUANTILES = (1, -2)  # of ten: the tenth and the ninetieth percentile


@dataclass(frozen=True)
class DataLimits:
    """The smallest differences that count, for every feature that the schema gives no limit of its own."""

    categorical: float  # L-infinity distance, the largest change of any value's share
    numeric: float  # Jensen-Shannon divergence of the histograms, in bits, 0 to 1
    missing: float  # change of the share of rows without a value
    values: float  # share of rows with a value that the reference lacks, or of the reference's rows with one that is gone
    values_of: dict[str, float] = field(default_factory=dict)  # the same of single features, such as streets


def with_comparators(schema: schema_pb2.Schema, kind: DriftKind, limits: DataLimits) -> schema_pb2.Schema:
    """Copy the schema, and give each feature the comparator that fits its type. Raises BadConfig."""
    refuse_infinity_norm(schema)
    result = deepcopy(schema)
    for feature in result.feature:
        comparator = getattr(feature, COMPARATOR[kind])
        if feature.type == schema_pb2.BYTES and not comparator.HasField("infinity_norm"):
            comparator.infinity_norm.threshold = limits.categorical
        elif feature.type != schema_pb2.BYTES and not comparator.HasField("jensen_shannon_divergence"):
            comparator.jensen_shannon_divergence.threshold = limits.numeric
    return result


def compare(
    kind: DriftKind,
    reference: statistics_pb2.DatasetFeatureStatisticsList,
    current: statistics_pb2.DatasetFeatureStatisticsList,
    schema: schema_pb2.Schema,
    limits: DataLimits,
) -> list[Check]:
    """Make all checks of all features of the schema; `limits` is for those without a limit of their own.

    The current statistics are of the newest span, or for the kind "skew" of what was served; numeric histograms must span the
    reference's range (`observe`).
    """
    schema = with_comparators(schema, kind, limits)
    before, now = by_name(reference.datasets[0]), by_name(current.datasets[0])
    names = [feature.name for feature in schema.feature if feature.name in before]
    checks = [_presence(kind, name, before[name], now.get(name), limits.missing) for name in names]
    both = [name for name in names if name in now and common_stats(now[name]).num_non_missing]
    checks += [check for name in both for check in _values(kind, name, before[name], now[name], limits)]
    return checks + list(_distances(kind, reference, current, schema, set(both)))


def _distances(kind: DriftKind, reference, current, schema, names: set[str]) -> Iterator[Check]:
    """Yield TFDV's comparisons. Any other value is at a distance of 1 from a constant, whose histogram in TFDV has no width."""
    if kind == "data":
        anomalies = tfdv.validate_statistics(current, schema, previous_statistics=reference)
    else:
        anomalies = tfdv.validate_statistics(reference, schema, serving_statistics=current)
    before, now = by_name(reference.datasets[0]), by_name(current.datasets[0])
    for info in anomalies.drift_skew_info:
        if (name := ".".join(info.path.step)) not in names:
            continue
        for found in (*info.drift_measurements, *info.skew_measurements):
            measure = L_INFINITY if found.type == found.L_INFTY else JENSEN_SHANNON
            value, words = found.value, f"{name} is distributed differently"
            if is_constant(before[name]):
                share = _beside(now[name])
                value = jensen_shannon(np.array([1.0, 0.0]), np.array([1 - share, share]))
                words = f"{name} is not {before[name].num_stats.min:g} in {share:.1%} of rows, in training it always was"
            yield _check(kind, name, measure, value, found.threshold, words=words)


def _beside(feature: statistics_pb2.FeatureNameStatistics) -> float:
    """Return the share outside the middle third of the range that `observe.ranges` lays around a constant: all that differ."""
    buckets = feature.num_stats.histograms[0].buckets
    low, high = buckets[0].low_value, buckets[-1].high_value
    # The ends' rows may be one bucket further in: TFDV rounds.
    apart = [abs(bucket.low_value + bucket.high_value - low - high) > (high - low) / 3 for bucket in buckets]
    counts = [bucket.sample_count for bucket in buckets]
    return sum(count for count, far in zip(counts, apart, strict=True) if far) / sum(counts)


def _presence(kind: DriftKind, name: str, before, now, limit: float) -> Check:
    was, share = missing_share(before), missing_share(now) if now is not None else 1.0
    words = f"{name} is missing in {share:.1%} of rows, in training in {was:.1%}"
    return _check(kind, name, "missing share", abs(share - was), limit, words=words)


def _values(kind: DriftKind, name: str, before, now, limits: DataLimits) -> Iterator[Check]:
    """Check for values that came or went, and for a feature that no longer varies."""
    if before.HasField("string_stats") and now.HasField("string_stats"):
        old, new = _shares(before), _shares(now)
        for measure, here, there, words in (
            ("unseen values", new, old, "has values that training did not know"),
            ("vanished values", old, new, "lacks values that training had"),
        ):
            lost = {value: share for value, share in here.items() if value not in there}
            examples = ", ".join(sorted(lost, key=lambda value: -lost[value])[:3])
            text = f"{name} {words} ({examples})"
            limit = limits.values_of.get(name, limits.values)
            yield _check(kind, name, measure, sum(lost.values()), limit, words=text)
    elif before.HasField("num_stats") and now.HasField("num_stats") and _varies(before):
        buckets = now.num_stats.histograms[0].buckets
        fullest = max(buckets, key=lambda bucket: bucket.sample_count)
        share = fullest.sample_count / sum(bucket.sample_count for bucket in buckets)
        words = f"{name} hardly varies within training's range, it is between {fullest.low_value:g} and {fullest.high_value:g}"
        yield _check(kind, name, CONSTANT, share, CONSTANT_SHARE, words=words)


def _shares(feature: statistics_pb2.FeatureNameStatistics) -> dict[str, float]:
    """Map each value to its share of the rows that have one."""
    buckets = feature.string_stats.rank_histogram.buckets
    total = feature.string_stats.common_stats.num_non_missing
    return {bucket.label: bucket.sample_count / total for bucket in buckets}


def _varies(feature: statistics_pb2.FeatureNameStatistics) -> bool:
    """Tell whether no value has four fifths of the rows: rain may stay away for a month, a temperature not."""
    for histogram in feature.num_stats.histograms:
        if histogram.type == statistics_pb2.Histogram.QUANTILES and len(histogram.buckets) > 2:  # noqa: PLR2004
            low, high = (histogram.buckets[index] for index in VARYING_QUANTILES)
            return low.low_value < high.high_value
    return False


def _check(kind: DriftKind, feature: str, measure: str, value: float, limit: float, *, words: str) -> Check:
    reason = f"{'served requests: ' if kind == 'skew' else ''}{words}: {measure} {value:.4f}, limit {limit:g}"
    return checked(value >= limit, reason, kind=kind, feature=feature, measure=measure, value=value, limit=limit)
