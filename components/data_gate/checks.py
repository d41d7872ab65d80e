"""What makes data unfit to train on. Pure functions over TFDV's protos."""

from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one feature of one split.

    Attributes:
        split: "train" or "eval".
        feature: its name, or "" for the split as a whole.
        anomaly: what is wrong, in a few words.
        measure: what was found.
        limit: what was expected.
        severity: "error" or "warning".
    """

    split: str
    feature: str
    anomaly: str
    measure: str
    limit: str
    severity: str

    def __str__(self) -> str:
        where = f"{self.split} split, {self.feature}" if self.feature else f"{self.split} split"
        return f"{where}: {self.anomaly}. Found: {self.measure.rstrip('.')}. Expected: {self.limit}."


def anomalies(split: str, found: anomalies_pb2.Anomalies, schema: schema_pb2.Schema) -> list[Finding]:
    """ExampleValidator's anomalies of one split, with the limit that the schema states."""
    by_name = {feature.name: feature for feature in schema.feature}
    return [
        Finding(
            split,
            name,
            reason.short_description,
            reason.description,
            _limit(by_name.get(name)),
            anomalies_pb2.AnomalyInfo.Severity.Name(info.severity).lower(),
        )
        for name, info in sorted(found.anomaly_info.items())
        for reason in info.reason or [info]
    ]


def _limit(feature: schema_pb2.Feature | None) -> str:
    """What the schema allows a feature to be, in words."""
    if feature is None:
        return "no such column; add it to the schema and to the features, or drop it from the data"
    limits = [schema_pb2.FeatureType.Name(feature.type)]
    if feature.presence.min_fraction:
        limits.append(f"in at least {feature.presence.min_fraction:.1%} of rows")
    for domain in (feature.float_domain, feature.int_domain):
        if domain.HasField("min") or domain.HasField("max"):
            limits.append(f"from {domain.min:g} to {domain.max:g}")
    if feature.domain or feature.string_domain.value:
        known = feature.distribution_constraints.min_domain_mass
        limits.append(f"at least {known:.1%} of rows with a value of domain {feature.domain or feature.name}")
    return ", ".join(limits)


def label_share(
    split: str, statistics: statistics_pb2.DatasetFeatureStatistics, label: str, lowest: float, highest: float
) -> list[Finding]:
    """Refuses a split whose labels are (nearly) all of one class: nothing can be learned or measured from it."""
    for feature in statistics.features:
        if feature.path.step[:] == [label]:
            share = feature.num_stats.mean
            if lowest <= share <= highest:
                return []
            return [
                Finding(
                    split,
                    label,
                    "share of positive labels out of range",
                    f"{share:.2%} of {statistics.num_examples:,} rows",
                    f"{lowest:.2%} to {highest:.2%}",
                    "error",
                )
            ]
    return [Finding(split, label, "label missing", "no label in any row", "a label in each row", "error")]


def row_count(split: str, statistics: statistics_pb2.DatasetFeatureStatistics, lowest: int) -> list[Finding]:
    """Refuses a split with fewer than `lowest` rows."""
    if statistics.num_examples >= lowest:
        return []
    return [Finding(split, "", "too few rows", f"{statistics.num_examples:,}", f"at least {lowest:,}", "error")]
