"""Find what makes data unfit to train on. Pure functions over TFDV's protos."""

from collections.abc import Collection, Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.shared.data_findings import Finding
from components.shared.errors import shown
from components.shared.target import Target
from components.shared.tfdv_statistics import by_name, is_constant

SMALL = 0.0001  # share that two digits of a percentage still show


def anomalies(split: str, found: anomalies_pb2.Anomalies, schema: schema_pb2.Schema) -> list[Finding]:
    """Report ExampleValidator's anomalies of one split, with the limit that the schema states."""
    by_name = {feature.name: feature for feature in schema.feature}
    return [
        Finding(
            split,
            name,
            reason.short_description,
            shown(reason.description),
            _limit(by_name.get(name)),
            anomalies_pb2.AnomalyInfo.Severity.Name(info.severity).lower(),
        )
        for name, info in sorted(found.anomaly_info.items())
        for reason in info.reason or [info]
    ]


def _limit(feature: schema_pb2.Feature | None) -> str:
    """Say what the schema allows a feature to be."""
    if feature is None:
        return "no such column; add it to the schema and to the features, or drop it from the data"
    limits = [schema_pb2.FeatureType.Name(feature.type)]
    if feature.presence.min_fraction:
        limits.append(f"in at least {feature.presence.min_fraction:.1%} of rows")
    for domain in (feature.float_domain, feature.int_domain):
        ends = [f"{word} {getattr(domain, end):g}" for word, end in (("from", "min"), ("to", "max")) if domain.HasField(end)]
        limits += [" ".join(ends)] if ends else []
    if feature.domain or feature.string_domain.value:
        known = feature.distribution_constraints.min_domain_mass
        limits.append(f"at least {known:.1%} of rows with a value of domain {feature.domain or feature.name}")
    return ", ".join(limits)


def label_shares(
    split: str,
    statistics: statistics_pb2.DatasetFeatureStatistics,
    target: Target,
    limits: Mapping[str, float],
    may_be_absent: Collection[str] = (),
) -> list[Finding]:
    """Refuse a split whose labels are (nearly) all of one class: nothing can be learned or measured from it.

    Args:
        split: "train" or "eval".
        statistics: TFDV's.
        target: the label.
        limits: the task's settings of [gate] to their values: the lowest share, and the highest if there is one. A class must
            be among the labels, of any share, only where it is trained on.
        may_be_absent: classes that need not even be there.
    """
    if not (feature := by_name(statistics).get(target.label)):
        return [Finding(split, target.label, "label missing", "no label in any row", "a label in each row")]
    shares = target.shares(feature) if limits else {}
    lowest, *highest = limits.values() or [0.0]
    if highest:
        wrong = {name: share for name, share in shares.items() if not lowest <= share <= highest[0]}
        limit = f"{lowest:.2%} to {highest[0]:.2%} ({', '.join(f'gate.{setting}' for setting in limits)})"
    else:
        needed = {name: share for name, share in shares.items() if split == "train" and name not in may_be_absent}
        wrong = {name: share for name, share in needed.items() if share < lowest or not share}
        least = f"at least {_percent(lowest)}, gate.min_class_share" if lowest else "at least one row"
        limit = f"{least}; or the class in gate.may_be_absent"
    return [
        Finding(
            split,
            target.label,
            f"share of {name} labels out of range",
            f"{_percent(share)} of {statistics.num_examples:,} rows",
            limit,
        )
        for name, share in wrong.items()
    ]


def _percent(share: float) -> str:
    """Write a share such that only 0 looks like 0.

    >>> _percent(0.00004), _percent(0.0), _percent(0.125)
    ('0.004%', '0.00%', '12.50%')
    """
    return f"{share:.2%}" if share >= SMALL or not share else f"{100 * share:.1g}%"


def row_count(split: str, statistics: statistics_pb2.DatasetFeatureStatistics, lowest: int) -> list[Finding]:
    """Refuse a split with fewer than `lowest` rows."""
    if statistics.num_examples >= lowest:
        return []
    return [Finding(split, "", "too few rows", f"{statistics.num_examples:,}", f"at least {lowest:,} (gate.min_rows)")]


def evaluation_days(days: int, lowest: int) -> list[Finding]:
    """Refuse an evaluation split that has rows of fewer than `lowest` days, as in a span that is not whole yet."""
    if days >= lowest:
        return []
    return [Finding("eval", "", "too few days", f"rows of {days}", f"at least {lowest} (gate.min_eval_days)")]


def constant(split: str, statistics: statistics_pb2.DatasetFeatureStatistics, may_be: Collection[str]) -> list[Finding]:
    """Refuse features with one value in every row, unless they `may_be` so: a sensor that is stuck, a join that failed.

    Only for a training split: ten dry days do not mean a broken rain gauge.
    """
    limit = "at least two values, or the feature in gate.may_be_constant"
    return [
        Finding(split, name, "constant", f"{value} in each row that has a value", limit)
        for name, feature in by_name(statistics).items()
        if name not in may_be and (value := _only_value(feature)) is not None
    ]


def _only_value(feature: statistics_pb2.FeatureNameStatistics) -> str | None:
    if feature.HasField("string_stats"):
        return shown(feature.string_stats.top_values[0].value) if feature.string_stats.unique == 1 else None
    return f"{feature.num_stats.min:g}" if is_constant(feature) else None


def categories(split: str, statistics: statistics_pb2.DatasetFeatureStatistics, highest: int) -> list[Finding]:
    """Refuse features with more than `highest` distinct strings: numbers or texts where categories belong."""
    limit = f"at most {highest:,} (gate.max_categories); ignore the column, or put its values into classes"
    return [
        Finding(split, name, "too many categories", f"{feature.string_stats.unique:,}", limit)
        for name, feature in by_name(statistics).items()
        if feature.string_stats.unique > highest
    ]


def repeated_rows(counts: Mapping[str, Mapping[str, int]], highest: float) -> list[Finding]:
    """Refuse spans in which more than a share of `highest` of the rows repeat an earlier row of the span.

    `counts` maps each span to the number of its `rows` and of those that are `repeated`.
    """
    findings = []
    for span, count in counts.items():
        share = count["repeated"] / count["rows"]
        if share > highest:
            found = f"{count['repeated']:,} of its {count['rows']:,} rows ({share:.2%}) repeat an earlier one"
            limit = f"at most {highest:.2%} (gate.max_repeated_share)"
            findings.append(Finding("", "", f"repeated rows in {span}", found, limit))
    return findings
