"""Measure a model beyond TFMA: intervals by a bootstrap of whole days, curves, permutation importance, loss by epoch."""

import math
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import stats  # type: ignore[import-untyped]
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator  # type: ignore[import-untyped]

from components.run_report.facts import Comparison, Curves, Importance
from components.shared import steps
from components.shared.scored import scored
from components.shared.scored_rows import INTERVAL, ScoredRows
from components.shared.tasks import Better, Task

FEWEST = 3  # blocks: of fewer nothing can be said
NORMAL = 1.96
POINTS = 100  # of a curve: more cannot be seen
BUCKETS = 20  # of the score, equally wide over [0, 1]
MOST_ROWS = 5000  # whose importance is measured: the AUC's own error is then below 0.01
PERMUTATIONS = 3
LOGS = {"train": "train", "eval": "validation"}  # folders of Keras' TensorBoard callback, by what the page calls them
TAG = "epoch_loss"

RawColumns = Mapping[str, np.ndarray]  # raw columns, each of shape [rows]


def interval(value: float, draws: np.ndarray, blocks: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a figure; None if its draws have no values, or there are too few blocks.

    The bootstrap's interval is too narrow with few blocks, so it is widened around the figure as that of a mean of as many days
    would be (Student's t, and a variance over one block less; Cameron, Gelbach and Miller 2008).

    Args:
        value: the figure.
        draws: of the bootstrap, shape [draws].
        blocks: how many were drawn from.
    """
    known = draws[np.isfinite(draws)]
    if not len(known) or blocks < FEWEST:
        return None
    wider = stats.t.ppf(INTERVAL[1] / 100, blocks - 1) / NORMAL * np.sqrt(blocks / (blocks - 1))
    low, high = (float(value + wider * (end - value)) for end in np.percentile(known, INTERVAL))
    return low, high


def verdict(
    better: Better, candidate: np.ndarray, production: np.ndarray, values: tuple[float, float], blocks: int
) -> Comparison:
    """Compare the candidate's figure with production's; "undecided" where the interval of the gain holds zero.

    Args:
        better: which figures are better.
        candidate, production: draws of both on the same samples.
        values: both figures.
        blocks: how many were drawn from.
    """

    def gain(mine, its):
        if better == "nearer 1":
            return np.abs(its - 1) - np.abs(mine - 1)
        return mine - its if better == "higher" else its - mine

    found = interval(float(gain(*values)), gain(candidate, production), blocks)
    if found is None or found[0] <= 0 <= found[1]:
        return "undecided"
    return "better" if found[0] > 0 else "worse"


def curves(scored: ScoredRows) -> Curves:
    """Compute the curves of one model; its labels must hold both classes, its scores be from 0 to 1."""
    order = np.argsort(-scored.scores, kind="stable")
    scores, labels = scored.scores[order], scored.labels[order]
    last = np.append(np.diff(scores) != 0, True)  # no threshold separates rows of one score
    hits, alarms = np.cumsum(labels)[last], np.cumsum(1 - labels)[last]
    recall, false = hits / hits[-1], alarms / alarms[-1]
    start = np.zeros(1)
    counts = [np.histogram(scores[labels == kind], BUCKETS, (0, 1))[0] for kind in (0, 1)]
    return Curves(
        roc=_thinned(np.append(start, false), np.append(start, recall), np.append(start, false + recall)),
        precision_recall=_thinned(recall, hits / (hits + alarms), recall),
        calibration=calibration(scores, labels),
        negatives=rounded(counts[0] / alarms[-1]),
        positives=rounded(counts[1] / hits[-1]),
    )


def calibration(scores: np.ndarray, labels: np.ndarray) -> list[tuple[float, float, int]]:
    """Return mean score, share of positives and rows of each bucket that has rows."""
    bucket = np.minimum((scores * BUCKETS).astype(int), BUCKETS - 1)
    rows = np.bincount(bucket, minlength=BUCKETS)
    some = rows > 0
    means = [np.bincount(bucket, values, BUCKETS)[some] / rows[some] for values in (scores, labels)]
    return list(zip(*map(rounded, means), rows[some].tolist(), strict=True))


def _thinned(x: np.ndarray, y: np.ndarray, along: np.ndarray) -> list[tuple[float, float]]:
    """Keep at most `POINTS` points, with the first and the last, evenly spread over `along`, which ascends."""
    even = np.searchsorted(along, np.linspace(along[0], along[-1], POINTS - 1))
    chosen = np.arange(len(x)) if len(x) <= POINTS else np.unique(np.append(even, len(x) - 1))
    return list(zip(rounded(x[chosen]), rounded(y[chosen]), strict=True))


def rounded(values: np.ndarray) -> list[float]:
    """Round to six decimals: more cannot be seen."""
    return values.astype("float64").round(6).tolist()


def importance(
    score: Callable[[RawColumns], np.ndarray], columns: RawColumns, labels: np.ndarray, task: Task
) -> list[Importance]:
    """Measure what is lost of the metric that decides when a feature's values are permuted, for each feature.

    The same rows give the same result.

    How much worse is a model without a feature (Breiman 2001, "Random Forests", section 10)? What two features both tell is
    credited to neither: permuting one leaves it in the other.

    Args:
        score: answers for the rows, from all columns.
        columns: the features.
        labels: as numbers, not all the same, shape [rows].
        task: whose metric it is.

    Returns:
        The features, the most important first.
    """

    def measured(of: RawColumns) -> float:
        return scored(task, labels, score(of)).metrics()[task.decides.name]

    whole = measured(columns)
    orders = [np.random.default_rng(seed).permutation(len(labels)) for seed in range(PERMUTATIONS)]
    found = []
    for number, (name, column) in enumerate(columns.items(), 1):
        lost = [task.decides.loss(whole, measured({**columns, name: column[order]})) for order in orders]
        found.append(Importance(feature=name, lost=float(np.mean(lost)), spread=float(np.std(lost, ddof=1))))
        steps.report("feature", number, len(columns))
    return sorted(found, key=lambda each: -each.lost)


def losses(folder: Path) -> dict[str, list[float]]:
    """Read the losses in a ModelRun's folder, one per epoch, by name; if one diverged, those before its first NaN."""
    found = {name: _losses(folder / logs) for name, logs in LOGS.items() if (folder / logs).is_dir()}
    return {name: values for name, values in found.items() if values}


def _losses(folder: Path) -> list[float]:
    logs = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload()  # 0: all of them
    if TAG not in logs.Tags()[TENSORS]:
        return []
    by_epoch = {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in logs.Tensors(TAG)}
    return list(takewhile(math.isfinite, (by_epoch[epoch] for epoch in sorted(by_epoch))))
