"""Find columns that go with the time: what comes next has values that no training has seen. Pure functions."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.shared.units import Unit
from pipeline.adoption.profiles import Profile

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
MOST = (0.05, 0.95)  # quantiles of a number: where spans begin at another hour than the column, some rows are of the neighbour
MOSTLY = 0.8  # of the spans
NAMES = re.compile(r"(?i)(^|_)(year|yr|day_?of_?(the_?)?year|yday|doy|week_?of_?(the_?)?year)$")


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
    said = "it goes with the time: in {:.0%} of the {}s nearly all its values are new, and so in the next one"
    return {str(name): said.format(share, unit) for name, share in shares.items() if share >= MOSTLY}


def by_name(profiles: Sequence[Profile]) -> dict[str, str]:
    """Name the numbers that are called as what tells when a row is from, such as a year, and what to check."""
    return {
        each.name: "by its name it tells when a row is from: check that rows to come have the same values"
        for each in profiles
        if each.type == "integer" and NAMES.search(each.name)
    }


def new(values: pd.Series, spans: pd.Series) -> float:
    """Return in which share of the spans but the first the values are new: numbers beyond all before, or texts never seen."""
    if pd.api.types.is_bool_dtype(values) or not values.notna().any():
        return 0.0
    if pd.api.types.is_numeric_dtype(values):
        ends = values.groupby(spans).quantile(np.array(MOST)).unstack().dropna()
        low, high = (ends[end] for end in MOST)
        beyond = (low > high.cummax().shift()) | (high < low.cummin().shift())
        return float(beyond[1:].mean()) if len(ends) >= FEWEST else 0.0
    there = spans[values.notna()]
    numbers = pd.Series(there.astype("category").cat.codes, index=there.index)
    begins = numbers.groupby(values[values.notna()]).quantile(MOST[0], interpolation="higher")  # of each text
    unseen = (values[values.notna()].map(begins) == numbers).groupby(there).mean()
    return float((unseen[1:] >= NEARLY_ALL).mean()) if len(unseen) >= FEWEST else 0.0
