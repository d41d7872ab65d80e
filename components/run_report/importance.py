"""Permutation importance (Breiman 2001, "Random Forests", section 10): how much worse is a model without a feature?"""

from collections.abc import Callable, Mapping

import numpy as np

from components.run_report.facts import Importance
from components.shared import steps
from components.shared.scored_rows import Scored

MOST_ROWS = 5000  # at most: the AUC's own error is then below 0.01
PERMUTATIONS = 3

RawColumns = Mapping[str, np.ndarray]  # raw columns, each of shape [rows]


def importance(score: Callable[[RawColumns], np.ndarray], columns: RawColumns, labels: np.ndarray) -> list[Importance]:
    """Measure the loss of AUC when one feature's values are permuted, for each feature; the same rows give the same result.

    What two features both tell is credited to neither: permuting one leaves it in the other.

    Args:
        score: probabilities of shape [rows], from all columns.
        columns: the features.
        labels: 0 or 1, both among them, shape [rows].

    Returns:
        The features, the most important first.
    """
    whole = _auc(labels, score(columns))
    orders = [np.random.default_rng(seed).permutation(len(labels)) for seed in range(PERMUTATIONS)]
    found = []
    for number, (name, column) in enumerate(columns.items(), 1):
        losses = [whole - _auc(labels, score({**columns, name: column[order]})) for order in orders]
        found.append(Importance(feature=name, auc_loss=float(np.mean(losses)), spread=float(np.std(losses, ddof=1))))
        steps.report("feature", number, len(columns))
    return sorted(found, key=lambda each: -each.auc_loss)


def _auc(labels: np.ndarray, scores: np.ndarray) -> float:
    return Scored(labels, scores).metrics()["AUC"]
