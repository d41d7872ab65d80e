"""Find columns that only say when a row is from: what comes next has values that no training has seen. Pure functions."""

import pandas as pd

from components.shared.units import Unit

PERIODS = {
    Unit.HOUR: "h",
    Unit.DAY: "D",
    Unit.WEEK: "W",
    Unit.MONTH: "M",
    Unit.QUARTER: "Q",
    Unit.YEAR: "Y",
}  # as pandas has them
FEWEST = 4  # spans, below which an order may be chance
NEARLY_ALL = 0.9  # of the rows of a span have a text that no earlier one has
MOSTLY = 0.8  # of the spans


def told(columns: pd.DataFrame, moments: pd.Series, unit: Unit) -> dict[str, str]:
    """Name the columns that tell the spans apart, and how.

    Args:
        columns: of a sample, shape [rows, columns].
        moments: when each row is from, shape [rows].
        unit: of the spans.
    """
    spans = moments.dt.to_period(PERIODS[unit])
    if spans.nunique() < FEWEST:
        return {}
    shares = {name: new(columns[name], spans) for name in columns}
    return {
        str(
            name
        ): f"it only says when: in {share:.0%} of the {unit}s nearly all its values are new, so the next one has none known"
        for name, share in shares.items()
        if share >= MOSTLY
    }


def new(values: pd.Series, spans: pd.Series) -> float:
    """Return in which share of the spans but the first the values are new: numbers beyond all before, or texts never seen."""
    if pd.api.types.is_bool_dtype(values) or not values.notna().any():
        return 0.0
    if pd.api.types.is_numeric_dtype(values):
        ends = values.groupby(spans).agg(["min", "max"]).dropna()
        beyond = (ends["min"] > ends["max"].cummax().shift()) | (ends["max"] < ends["min"].cummin().shift())
        return float(beyond[1:].mean()) if len(ends) >= FEWEST else 0.0
    first = spans.groupby(values).transform("min")
    unseen = (first == spans).groupby(spans).mean()
    return float((unseen[1:] >= NEARLY_ALL).mean())
