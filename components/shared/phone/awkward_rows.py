"""Make awkward rows: what clients may send, whether training has seen it or not. Imports no TensorFlow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from components.shared.phone.card import FeatureCard
from components.shared.values import MISSING

UNKNOWN = ("ZZZ", "zürich", "東京", "a" * 200, " ")  # categories that no training saw; some not ASCII
INFINITE = (float("inf"), float("-inf"))
EXTREMES = (0.0, -1.0, 1.0, 0.5, 1e-6, 1e6, -1e6, 1e30, -1e30, *INFINITE)
INTEGERS = (2**62, -(2**62))


@dataclass(frozen=True)
class AwkwardRows:
    """Rows and their oddities."""

    columns: dict[str, np.ndarray]  # raw, of shape [rows]
    names: list[str]  # of each row, what is odd about it: "price missing", "weight inf"


def make(features: list[FeatureCard], real: Mapping[str, np.ndarray]) -> AwkwardRows:
    """Make variations of one of the real rows, the first of those with the fewest missing values.

    Every allowed category and some unknown ones; each number at its ends, beyond them, at extremes and infinite; each
    optional value missing alone, in pairs and all at once; and everything missing.
    """
    changes = list(_changes(features))
    given = [real[feature.name] for feature in features]
    lacking = sum(column == b"" if column.dtype == object else np.isnan(column) for column in given)
    columns = {name: np.repeat(column[[np.argmin(lacking)]], len(changes)) for name, column in real.items()}
    for row, (_, change) in enumerate(changes):
        for name, value in change.items():
            columns[name][row] = value
    return AwkwardRows(columns, [name for name, _ in changes])


def _changes(features: list[FeatureCard]) -> Iterator[tuple[str, dict[str, object]]]:
    missing = {feature.name: MISSING[feature.dtype] for feature in features}
    optional = {feature.name: missing[feature.name] for feature in features if feature.optional}
    for feature in features:
        for value in values(feature):
            yield f"{feature.name} {value!r}", {feature.name: value.encode() if isinstance(value, str) else value}
    for names in (*combinations(missing, 1), *combinations(optional, 2)):
        yield f"{' and '.join(names)} missing", {name: missing[name] for name in names}
    yield "all that is optional missing", optional
    numbers = [feature.name for feature in features if feature.dtype == "float32"]
    for value in (*INFINITE, 1e30, -1e30):
        yield f"every number {value!r}", dict.fromkeys(numbers, value)
    yield "everything missing", missing


def values(feature: FeatureCard) -> list:
    """List values of one feature, allowed ones and others."""
    if feature.dtype == "string":
        known = feature.values or []
        other_case = [value.swapcase() for value in known[:1]]
        return list(dict.fromkeys([*known, *UNKNOWN, *other_case]))
    ends = [end for end in (feature.minimum, feature.maximum) if end is not None]
    beyond = [end + step for end in ends for step in (-1, 1)]
    return list(dict.fromkeys([*ends, *beyond, *(INTEGERS if feature.dtype == "int64" else EXTREMES)]))
