"""Check raw rows, as a person or a program writes them, against the card, and make columns of them. Imports no TensorFlow."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.shared import raw_values
from components.shared.errors import BadData, OtherColumns
from components.shared.phone.card import FeatureCard, ModelCard, Value

if TYPE_CHECKING:
    import pyarrow as pa

MISSING: dict[str, Value] = {"string": "", "float32": float("nan"), "int64": 0}
DTYPES = {"string": np.dtype(object), "float32": np.dtype(np.float32), "int64": np.dtype(np.int64)}


def columns(rows: Sequence[Mapping[str, Value]], card: ModelCard) -> dict[str, np.ndarray]:
    """Check rows against the card, and make a column of shape [rows] for each feature, missing values as the file wants them.

    Args:
        rows: raw value by feature; None, or no entry, where an optional one is missing.
        card: what the model takes.

    Raises:
        OtherColumns: an unknown field, or none where one has to be.
        BadData: a wrong type, or a value that must not be missing, each with the row and what is allowed.
    """
    names = [feature.name for feature in card.features]
    found: dict[str, list[Value]] = {name: [] for name in names}
    for number, row in enumerate(rows, 1):
        if unknown := sorted(set(row) - set(names)):
            wanted = ", ".join(names)
            raise OtherColumns(
                f"row {number}: {', '.join(unknown)} is no field of this model. Expected some of {wanted}.", names
            )
        for feature in card.features:
            try:
                found[feature.name].append(checked(feature, row.get(feature.name)))
            except BadData as error:
                told = f"row {number}: {error}"
                raise (BadData(told) if feature.name in row else OtherColumns(told, names)) from error
    return {feature.name: np.array(found[feature.name], DTYPES[feature.dtype]) for feature in card.features}


def checked(feature: FeatureCard, value: Value) -> Value:
    """Return a value that a feature may have, a missing one as the file wants it. Raises BadData."""
    if value is None or value == "":
        if not feature.optional:
            raise BadData(f"{feature.name} is missing. Expected {allowed(feature)}.")
        return MISSING[feature.dtype]
    try:
        raw_values.array([value], DTYPES[feature.dtype])
    except (TypeError, OverflowError) as error:
        raise BadData(f"{feature.name} is {value!r}. Expected {allowed(feature)}.") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise BadData(f"{feature.name} is {value!r}. Expected {allowed(feature)}; leave it out where it is missing.")
    return value


def allowed(feature: FeatureCard) -> str:
    """Say what values a feature may have."""
    if feature.dtype == "string":
        known = feature.values or []
        shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")  # noqa: PLR2004
        return f"a text, such as {shown}" if known else "a text"
    kind = "an integer" if feature.dtype == "int64" else "a number"
    ends = f" from {feature.minimum:g} to {feature.maximum:g}" if None not in (feature.minimum, feature.maximum) else ""
    return kind + ends + (f", {feature.unit}" if feature.unit else "")


def parse(feature: FeatureCard, text: str) -> Value:
    """Parse a value as a person types it, like one of a CSV file. Raises BadData."""
    if feature.dtype == "string" or text == "":
        return text or None
    import pyarrow as pa  # noqa: PLC0415  # a row of JSON is answered without

    from components.shared import values  # noqa: PLC0415

    try:
        return values.cast(pa.array([text]), _type(feature))[0].as_py()
    except values.Unfit as error:
        raise BadData(f"{feature.name} is {text!r}. Expected {allowed(feature)}.") from error


def from_csv(path: Path, card: ModelCard, missing: Collection[str] = ()) -> list[dict[str, Value]]:
    """Read rows of a CSV file with a header, as SpanExampleGen reads those that a model learns from. Raises BadData.

    Args:
        path: the file.
        card: what the model takes; other columns stay text.
        missing: what also means a missing value where it is not quoted, as `data.missing` in the problem. Default: nothing.
    """
    from components.span_example_gen import csv_file  # noqa: PLC0415  # pyarrow: a row of JSON is answered without

    return csv_file.table(path, {feature.name: _type(feature) for feature in card.features}, missing).to_pylist()


def _type(feature: FeatureCard) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    return {"string": pa.string(), "int64": pa.int64()}.get(feature.dtype, pa.float64())
