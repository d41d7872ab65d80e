"""Read TFDV's statistics by feature."""

from tensorflow_metadata.proto.v0.statistics_pb2 import CommonStatistics, DatasetFeatureStatistics, FeatureNameStatistics


def by_name(dataset: DatasetFeatureStatistics) -> dict[str, FeatureNameStatistics]:
    """Map each feature's name to its statistics."""
    return {".".join(feature.path.step): feature for feature in dataset.features}


def common_stats(feature: FeatureNameStatistics) -> CommonStatistics:
    """Return what statistics of strings and of numbers share, such as the count of missing values."""
    return (feature.string_stats if feature.HasField("string_stats") else feature.num_stats).common_stats


def missing_share(feature: FeatureNameStatistics) -> float:
    """Compute the share of rows without a value; 1 if there are no rows."""
    common = common_stats(feature)
    rows = common.num_missing + common.num_non_missing
    return common.num_missing / rows if rows else 1.0


def is_constant(feature: FeatureNameStatistics) -> bool:
    """Tell whether a feature is numeric and all its values are the same."""
    numbers = feature.num_stats
    return feature.HasField("num_stats") and numbers.common_stats.num_non_missing > 0 and numbers.min == numbers.max
