"""The raw features as the peers take them: the same columns that the network gets."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from pipeline.problem import Kind
from tests.flights import FEATURES, LABEL

CATEGORIES = [feature.name for feature in FEATURES if feature.kind is Kind.CATEGORICAL]
NUMBERS = [feature.name for feature in FEATURES if feature.kind is not Kind.CATEGORICAL]


def labels(rows: pd.DataFrame) -> np.ndarray:
    """Return 0 or 1 of each row."""
    return rows[LABEL].astype(int).to_numpy()


def as_categories(train: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what makes the features of rows, with pandas' categories of those that `train` has; others are missing."""
    known = {name: sorted(train[name].dropna().unique()) for name in CATEGORIES}

    def features(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.reset_index(drop=True)
        columns = {name: rows[name].astype("float64") for name in NUMBERS}
        return pd.DataFrame(columns | {name: pd.Categorical(rows[name], known[name]) for name in CATEGORIES})

    return features


def as_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features of rows, categories as texts; a missing one is empty."""
    return pd.concat([rows[NUMBERS].astype("float64"), rows[CATEGORIES].fillna("").astype(str)], axis=1)
