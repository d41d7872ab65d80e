"""Find columns that know the label: those that rank it alone, and those that are missing for one label only."""

import numpy as np
import pandas as pd

from pipeline.adoption.tasks import Task

BINS = 50  # that numbers fall into
FEWEST = 50  # rows that must be missing, and be there, before that means something
EXPECTED = 5  # rows of labels that are never seen, that chance would have brought
PAIRS = 200_000
SUMMANDS = 8  # columns at most that add up to the label
EXACT = 0.01  # deviations of the label that a sum may be off


def alone(values: pd.Series, label: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Score every second row by one column alone, on what the others teach.

    Numbers fall into BINS of equal rows, and a missing value is a value. The mean label of each value, in every second row, is
    the score of the other rows: an identifier, whose values come once, scores nothing.

    Args:
        values: of any type, missing where null; shape [rows].
        label: numbers, shape [rows].

    Returns:
        The scores, and the labels of the same rows.
    """
    if pd.api.types.is_numeric_dtype(values.dtype) and values.nunique() > BINS:
        values = pd.Series(pd.qcut(values, BINS, labels=False, duplicates="drop"))
    codes = pd.Series(pd.factorize(values.reset_index(drop=True), use_na_sentinel=False)[0])
    label = label.reset_index(drop=True).astype("float64")
    teaches = np.arange(len(codes)) % 2 == 0
    learned = label[teaches].groupby(codes[teaches]).mean()
    return codes[~teaches].map(learned).fillna(label[teaches].mean()), label[~teaches]


def concordance(scores: pd.Series, label: pd.Series) -> float:
    """Estimate the share of pairs of rows with other labels that the scores rank right, ties half; 0.5 without such pairs.

    It is the AUC where labels are 0 and 1. From PAIRS pairs by chance.
    """
    random = np.random.default_rng(1)
    first, second = random.integers(0, max(len(label), 1), (2, PAIRS if len(label) else 0))
    order = np.sign(label.to_numpy()[first] - label.to_numpy()[second])
    found = np.sign(scores.to_numpy()[first] - scores.to_numpy()[second])
    differ = order != 0
    return float((1 + (order * found)[differ].mean()) / 2) if differ.any() else 0.5


def auc(scores: pd.Series, label: pd.Series) -> float:
    """Compute the share of pairs of a positive and a negative that the scores rank right, ties half; 0.5 without such pairs."""
    positives = label.sum()
    pairs = positives * (len(label) - positives)
    above = scores.rank()[label == 1].sum() - positives * (positives + 1) / 2
    return float(above / pairs) if pairs else 0.5


def one_way(values: pd.Series, label: pd.Series) -> str:
    """Say how a column is missing, or there, for one label only; empty if it is not.

    Only where chance would have brought at least EXPECTED rows of other labels.
    """
    missing = values.isna()
    for rows, what in ((missing, "missing"), (~missing, "there")):
        if FEWEST <= rows.sum() <= len(rows) - FEWEST and label[rows].nunique() == 1:
            only = label[rows].iloc[0]
            if rows.sum() * (label != only).mean() >= EXPECTED:
                return f"{what} only where the label is {only}: known only after it"
    return ""


def summands(numbers: pd.DataFrame, label: pd.Series) -> list[str]:
    """Name the columns of which the label is the sum, each times some factor, such as parts of a total; none if it is no sum.

    Columns are taken one by one, each the one that follows best what is left of the label (orthogonal matching pursuit); those
    that the sum does not need are dropped then. A missing part of a sum is 0.
    """
    columns = numbers.fillna(0).astype("float64")
    columns = (columns - columns.mean()) / columns.std().replace(0, 1)
    total = (label - label.mean()) / (label.std() or 1)
    if len(label) < FEWEST:
        return []

    def off(names: list[str]) -> pd.Series:
        factors = np.linalg.lstsq(columns[names].to_numpy(), total.to_numpy(), rcond=None)[0]
        return total - columns[names] @ factors

    taken: list[str] = []
    rest = total
    while rest.std() >= EXACT and len(taken) < min(SUMMANDS, columns.shape[1]):
        taken.append(str(columns.drop(columns=taken).corrwith(rest).abs().fillna(0).idxmax()))
        rest = off(taken)
    if rest.std() >= EXACT:
        return []
    for name in list(taken):
        without = [each for each in taken if each != name]
        if without and off(without).std() < EXACT:
            taken = without
    return taken


def known(sample: pd.DataFrame, label: str, task: Task) -> tuple[dict[str, float], dict[str, str]]:
    """Compute how well each column alone ranks the label, as its task says, and how it is one way where it is; by name."""
    labels = sample[label]
    others = [name for name in sample.columns if name != label]
    ways = {name: one_way(sample[name], labels) for name in others}
    return {name: task.alone(sample[name], labels) for name in others}, {name: how for name, how in ways.items() if how}
