"""Find columns that know the label: those that rank it alone, and those that are missing for one label only."""

import numpy as np
import pandas as pd

BINS = 50  # that numbers fall into
FEWEST = 50  # rows that must be missing, and be there, before that means something
EXPECTED = 5  # rows of the label that is never seen, that chance would have brought


def alone_auc(values: pd.Series, label: pd.Series) -> float:
    """Compute how well one column alone ranks the label, on rows that did not teach it to.

    Numbers fall into BINS of equal rows, and a missing value is a value. The share of positives of each value, in every second
    row, is the score of the other rows: an identifier, whose values come once, scores nothing.

    Args:
        values: of any type, missing where null; shape [rows].
        label: 0 or 1, shape [rows].

    Returns:
        From 0.5, which says nothing, to 1; 0.5 if either half has one label only.
    """
    if pd.api.types.is_numeric_dtype(values.dtype) and values.nunique() > BINS:
        values = pd.Series(pd.qcut(values, BINS, labels=False, duplicates="drop"))
    codes = pd.Series(pd.factorize(values.reset_index(drop=True), use_na_sentinel=False)[0])
    label = label.reset_index(drop=True).astype("float64")
    teaches = np.arange(len(codes)) % 2 == 0
    learned = label[teaches].groupby(codes[teaches]).mean()
    scores = codes[~teaches].map(learned).fillna(label[teaches].mean())
    return max(0.5, auc(scores, label[~teaches]))


def auc(scores: pd.Series, label: pd.Series) -> float:
    """Compute the share of pairs of a positive and a negative that the scores rank right, ties half; 0.5 without such pairs."""
    positives = label.sum()
    pairs = positives * (len(label) - positives)
    above = scores.rank()[label == 1].sum() - positives * (positives + 1) / 2
    return float(above / pairs) if pairs else 0.5


def one_way(values: pd.Series, label: pd.Series) -> str:
    """Say how a column is missing, or there, for one label only; empty if it is not.

    Only where chance would have brought at least EXPECTED rows of the other label.
    """
    missing = values.isna()
    for rows, what in ((missing, "missing"), (~missing, "there")):
        if FEWEST <= rows.sum() <= len(rows) - FEWEST and label[rows].nunique() == 1:
            only = int(label[rows].iloc[0])
            share = label.mean()
            if rows.sum() * (1 - share if only else share) >= EXPECTED:
                return f"{what} only where the label is {only}: known only after it"
    return ""


def known(sample: pd.DataFrame, label: str) -> tuple[dict[str, float], dict[str, str]]:
    """Compute both of each column but the label: by name, the AUC, and how it is one way where it is."""
    labels = sample[label].astype("int64")
    others = [name for name in sample.columns if name != label]
    ways = {name: one_way(sample[name], labels) for name in others}
    return {name: alone_auc(sample[name], labels) for name in others}, {name: how for name, how in ways.items() if how}
