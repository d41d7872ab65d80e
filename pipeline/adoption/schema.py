"""Propose the schema: TFDV infers it from the oldest spans, and it becomes as loose as later ones need."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.adoption.folder import Adopted
from pipeline.adoption.sql import literal, quoted
from pipeline.adoption.written import SPAN, WRITTEN, SpanFacts

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

HEADER = (
    "# Inferred by TFDV from the oldest spans, and loosened where later ones showed it must be: python -m pipeline.adopt.\n"
    "# To accept a change of the data, edit it.\n"
)
MAX_DOMAIN = 1_000  # texts that a schema lists; of more, it says no domain
SAMPLE = 50_000  # rows from which TFDV infers
ROOM = 0.5  # of the range, that values may lie outside of what was seen
SHARE = 0.05  # more that may be missing than ever was


def write(con: "DuckDBPyConnection", adopted: Adopted, columns: Mapping[str, str], file: Path) -> list[str]:
    """Write the schema of the raw `columns`, name to dtype; return what was loosened for later spans, in words."""
    oldest = adopted.periods.first
    schema = infer(con, oldest, columns)
    loosened = loosen(schema, adopted.facts, len(oldest), min(adopted.periods.evaluation).rows)
    _close(schema, adopted.label, adopted.target.classes)
    _within_a_turn(schema, {each.name: each.feature["period"] for each in adopted.chosen if "period" in each.feature})
    file.write_text(HEADER + text_format.MessageToString(schema, as_utf8=True), encoding="utf-8")
    return loosened


def infer(con: "DuckDBPyConnection", spans: Sequence[str], columns: Mapping[str, str]) -> schema_pb2.Schema:
    """Let TFDV infer a schema from the rows of some spans; `columns` are the raw columns with their dtypes."""
    import tensorflow_data_validation as tfdv  # noqa: PLC0415

    listed = ", ".join(map(literal, spans))
    rows = con.sql(
        f"SELECT {', '.join(map(quoted, columns))} FROM {WRITTEN} WHERE {quoted(SPAN)} IN ({listed}) "
        f"USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)"
    ).df()
    return tfdv.infer_schema(statistics(rows, columns), infer_feature_shape=False, max_string_domain_size=MAX_DOMAIN)


def statistics(rows: "pd.DataFrame", columns: Mapping[str, str]) -> "DatasetFeatureStatisticsList":
    """Let TFDV describe rows; `columns` are the raw columns with their dtypes."""
    import tensorflow_data_validation as tfdv  # noqa: PLC0415
    import tfx  # noqa: F401, PLC0415 (TFDV needs it; fifteen seconds)

    typed = rows.astype({name: dtype for name, dtype in columns.items() if dtype != "string"})
    return tfdv.generate_statistics_from_dataframe(typed, n_jobs=1)


def loosen(schema: schema_pb2.Schema, facts: Sequence[SpanFacts], oldest: int, fewest: int) -> list[str]:
    """Set presence, ranges and domains from the `oldest` spans, and loosen them where later ones show it must be.

    Args:
        schema: that is changed.
        facts: of all spans, oldest first.
        oldest: how many of them were inferred from.
        fewest: rows of the smallest split, whose shares are the noisiest.

    Returns:
        Each loosening, in words.
    """
    said = []
    _drop_wide_domains(schema, facts)
    domains = {domain.name: domain for domain in schema.string_domain}
    for feature in schema.feature:
        feature.value_count.min = feature.value_count.max = 1
        feature.presence.min_count = 1
        said += _presence(feature, facts, oldest, fewest)
        if feature.name in facts[0].values:
            feature.ClearField("int_domain")  # TFDV gives one to texts of digits
            said += _domain(feature, domains.get(feature.name), facts, oldest, fewest)
        else:
            said += _range(feature, facts, oldest)
    return said


def _close(schema: schema_pb2.Schema, label: str, classes: Sequence[str]) -> None:
    """Let the label be one of its classes, and nothing else; without classes leave it."""
    for feature in schema.feature if classes else ():
        if feature.name == label:
            feature.ClearField("distribution_constraints")
            feature.ClearField("domain_info")
            feature.string_domain.value.extend(classes)


def _within_a_turn(schema: schema_pb2.Schema, periods: Mapping[str, float]) -> None:
    """Let a cyclic feature be from 0 to its period, where it never was beyond: there is no hour 30 of a day."""
    for feature in schema.feature:
        domain, period = feature.float_domain, periods.get(feature.name, 0)
        if period and feature.HasField("float_domain") and domain.min >= 0 and domain.max <= period * (1 + ROOM):
            domain.min, domain.max = 0, period


def _drop_wide_domains(schema: schema_pb2.Schema, facts: Sequence[SpanFacts]) -> None:
    """Let a text of more than MAX_DOMAIN values be any: a part of them, which TFDV lists, is no domain."""
    wide = {name for name in facts[0].values if len({value for each in facts for value in each.values[name]}) > MAX_DOMAIN}
    kept = [domain for domain in schema.string_domain if domain.name not in wide]
    del schema.string_domain[:]
    schema.string_domain.extend(kept)
    for feature in schema.feature:
        if feature.domain in wide:
            feature.ClearField("domain")


def _presence(feature: schema_pb2.Feature, facts: Sequence[SpanFacts], oldest: int, fewest: int) -> list[str]:
    name = feature.name
    shares = [(each.there.get(name, 0) / each.rows, each.span) for each in facts]
    first, (worst, span) = min(shares[:oldest])[0], min(shares)
    feature.presence.min_fraction = _least(worst, fewest)
    if worst >= _least(first, fewest):
        return []
    return [f"{name} may be missing in {1 - feature.presence.min_fraction:.0%} of rows: in {span} {1 - worst:.1%} lack it"]


def _least(share: float, rows: int) -> float:
    """Return the smallest share of rows with a value, where the smallest that was seen is `share`."""
    if share == 1:
        return 1.0
    noise = 3 * math.sqrt(max(share * (1 - share), 0.01) / max(rows, 1))
    return math.floor(max(0.0, share - max(SHARE, noise)) * 100) / 100


def _range(feature: schema_pb2.Feature, facts: Sequence[SpanFacts], oldest: int) -> list[str]:
    name = feature.name
    before = _span_of([each.range[name] for each in facts[:oldest] if name in each.range])
    seen = _span_of([each.range[name] for each in facts if name in each.range])
    if feature.type == schema_pb2.INT:  # a flag or the label
        feature.int_domain.min, feature.int_domain.max = 0, 1
        return []
    domain = feature.float_domain
    domain.disallow_nan = domain.disallow_inf = True
    low, high = _widened(*before)
    if low <= seen[0] and seen[1] <= high:
        domain.min, domain.max = low, high
        return []
    domain.min, domain.max = _widened(*seen)
    first, later = (f"{low:g} to {high:g}" for low, high in (before, seen))
    return [f"{name} may be {domain.min:g} to {domain.max:g}: first {first}, later {later}"]


def _span_of(ranges: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else (0.0, 0.0)


def _widened(low: float, high: float) -> tuple[float, float]:
    """Widen a range by ROOM to either side, but not below 0 if nothing is."""
    room = ROOM * (high - low) or abs(high) or 1.0
    return (0.0 if low >= 0 and low - room < 0 else low - room), high + room


def _domain(
    feature: schema_pb2.Feature, domain: schema_pb2.StringDomain | None, facts: Sequence[SpanFacts], oldest: int, fewest: int
) -> list[str]:
    name = feature.name
    if domain is None:
        return []
    feature.domain = domain.name
    known = set(domain.value)
    unseen, span = max(
        (sum(rows for value, rows in each.values[name].items() if value not in known) / max(each.there[name], 1), each.span)
        for each in facts
    )
    mass = max(0.0, 1 - max(0.01, 2 * unseen, 3 / max(fewest, 1)))
    feature.distribution_constraints.min_domain_mass = math.floor(mass * 1000) / 1000
    new = sorted({value for each in facts for value in each.values[name]} - known)
    if not new:
        return []
    domain.value.extend(new)
    return [f"{name}, more values than in the first spans: {len(new)}; {unseen:.1%} of rows in {span} have one"]
