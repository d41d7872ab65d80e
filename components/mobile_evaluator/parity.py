"""Does a file answer what the server answers? Rows that are made to be awkward, and how far apart two sets of scores are."""

import math
from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

from components.mobile_exporter.card import FeatureCard

UNKNOWN = ("ZZZ", "zürich", "東京", "a" * 200, " ", "jfk")  # categories that no training saw; some not ASCII
EXTREMES = (0.0, -1.0, 1.0, 0.5, 1e-6, 1e6, -1e6)
FILE = "parity.json"


class Parity(BaseModel):
    """Of one variant; a list of these is `parity.json`."""

    model_config = ConfigDict(frozen=True)

    variant: str
    kilobytes: float
    rows: int
    largest: float  # absolute difference from the server's probability
    mean: float
    limit: float | None  # None: this variant does not ship
    row_us: float | None = None  # microseconds a row on this machine, one a call, median; None: it was not measured
    operators: list[str]

    @property
    def holds(self) -> bool:
        return self.limit is None or self.largest <= self.limit


def awkward_rows(features: list[FeatureCard], base: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows that differ from a real one in one feature each, and one with nothing in it.

    Args:
        features: what the card says of each.
        base: real rows; the first one is changed.

    Returns:
        Columns: every allowed category and some unknown ones, each number missing, at its ends, beyond them and at extremes.
    """
    changes: list[tuple[str, object]] = []
    for feature in features:
        if feature.dtype == "string":
            changes += [(feature.name, value.encode()) for value in (*(feature.values or ()), *UNKNOWN, "")]
            continue
        ends = [end for end in (feature.minimum, feature.maximum) if end is not None]
        values = [*ends, *(end + step for end in ends for step in (-1, 1))]
        if feature.dtype == "float32":
            values += [*EXTREMES, float("nan")]
        changes += [(feature.name, value) for value in values]
    rows = {name: np.repeat(column[:1], len(changes) + 1) for name, column in base.items()}
    for row, (name, value) in enumerate(changes):
        rows[name][row] = value
    for feature in features:
        rows[feature.name][-1] = {"string": b"", "float32": float("nan"), "int64": 0}[feature.dtype]
    return rows


def joined(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows below rows."""
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def worse_slices(
    mobile: Mapping[str, Mapping[str, float]], server: Mapping[str, Mapping[str, float]], limits: Mapping[str, float], rows: int
) -> list[str]:
    """A sentence for each metric, and slice of at least `rows` rows, in which the file differs too much from the server's.

    Args:
        mobile, server: slice to metric to value.
        limits: metric to the largest difference.
        rows: of smaller slices nothing is said: one pair of rows that swap their order moves their AUC.

    Returns:
        The sentences. A metric that has a finite value in neither is not compared; one that has it in one only differs.
    """
    return [
        f"{name}: {metric} of the file {_stated(file)}, of the server's model {_stated(expected)}; "
        f"expected them within {limit:g}"
        for name, values in mobile.items()
        if values["example_count"] >= rows
        for metric, limit in limits.items()
        for file, expected in [(values.get(metric, math.nan), server[name].get(metric, math.nan))]
        if (math.isfinite(file) or math.isfinite(expected)) and not abs(file - expected) <= limit  # NaN is within nothing
    ]


def _stated(value: float) -> str:
    return f"is {value:.5f}" if math.isfinite(value) else "has no value"
