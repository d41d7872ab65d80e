"""Choose gates, drift limits and training settings by written rules of rows, positives and columns. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from pipeline.adoption.columns import Chosen
from pipeline.adoption.periods import Periods, Split
from pipeline.problem import MOST_EMBEDDED

STEPS = 3_000  # of a training, about: where a small network has learned what it can
SIZES = ((2_000, 32, 0.3), (20_000, 64, 0.2), (200_000, 128, 0.1), (math.inf, 256, 0.1))  # rows below, units, dropout
REPEATED = 0.0005  # share of repeated rows that the default limit is well above
SLICES = (2, 30)  # values of a category by which metrics are told
DEVIATIONS = 3  # of sampling noise, beyond which a difference is none


@dataclass(frozen=True)
class Settings:
    """What problem.toml and hyperparameters.json state, each by a rule of this module."""

    gate: dict[str, Any]
    drift: dict[str, Any]
    train: dict[str, Any]
    evaluate: dict[str, Any]
    mobile: dict[str, Any]
    hyperparameters: dict[str, Any]


def settings(periods: Periods, chosen: Sequence[Chosen], repeated: float, constant: Sequence[str]) -> Settings:
    """Choose all settings.

    Args:
        periods: with the sizes of each window's splits.
        chosen: the features.
        repeated: the largest share of rows of a span that repeat another.
        constant: features that have one value only in some window.
    """
    rows = round(median(split.rows for split in periods.train))
    return Settings(
        gate(periods, repeated, constant, max(each.distinct for each in chosen)),
        drift(periods),
        train(rows),
        evaluate(periods, chosen),
        {"max_size_kb": phone_kilobytes(chosen, rows)},
        hyperparameters(rows),
    )


def gate(periods: Periods, repeated: float, constant: Sequence[str], most: int) -> dict[str, Any]:
    """Refuse what is far from all that the table has shown: half of its fewest rows, twice its `most` categories, and so on."""
    splits = [*periods.train, *periods.evaluation]
    fewest = min(split.rows for split in splits)
    shares = [split.positives / split.rows for split in splits if split.rows]
    found: dict[str, Any] = {
        "min_rows": max(1, min(1000, fewest // 2)),
        "min_positive_share": math.floor(min(shares) / 2 * 1000) / 1000,
        "max_positive_share": math.ceil((1 - (1 - max(shares)) / 2) * 1000) / 1000,
    }
    if periods.fewest_days:
        found["min_eval_days"] = max(1, min(7, periods.fewest_days // 2))
    if repeated > REPEATED:
        found["max_repeated_share"] = min(1.0, math.ceil(2 * repeated * 1000) / 1000)
    if most > MOST_EMBEDDED / 2:
        found["max_categories"] = 2 * most
    return found | ({"may_be_constant": list(constant)} if constant else {})


def drift(periods: Periods) -> dict[str, Any]:
    """Choose limits above the noise of a usual evaluation: DEVIATIONS of a share, and what histograms of so few differ by.

    The Jensen-Shannon divergence of two samples of n rows in k bins of one distribution is about (k - 1) / (4 n ln 2) bits, the
    expectation of its chi-squared approximation (Grosse et al. 2002, "Analysis of symbolic sequences using the Jensen-Shannon
    divergence").
    """
    split = usual(periods)
    rows, share = max(split.rows, 1), min(max(split.positives / max(split.rows, 1), 0.01), 0.99)
    deviation = math.sqrt(share * (1 - share) / rows)
    span = max(1, periods.usual_rows)
    of_a_share = DEVIATIONS * math.sqrt(0.25 / span)
    divergence = DEVIATIONS * 9 / (4 * span * math.log(2))
    found = {
        "categorical": max(0.02, of_a_share),
        "numeric": max(0.01, divergence),
        "missing": max(0.03, of_a_share),
        "label": max(0.005, DEVIATIONS * math.sqrt(share * (1 - share) / span)),
        "prediction": max(0.01, divergence),
        "auc": max(0.01, auc_deviation(split)),
        "log_loss": max(0.01, deviation),
        "calibration": max(0.1, DEVIATIONS * deviation / share),
    }
    return {name: min(0.999, _up(value)) if name != "calibration" else _up(value) for name, value in found.items()}


def usual(periods: Periods) -> Split:
    """Return the evaluation split of median size."""
    return sorted(periods.evaluation)[len(periods.evaluation) // 2]


def auc_deviation(split: Split) -> float:
    """Estimate the standard deviation of an AUC near 0.8: 0.29 over the root of the rarer label's rows.

    Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve", at equal shares and AUC 0.8.
    """
    return 0.29 / math.sqrt(max(1, min(split.positives, split.rows - split.positives)))


def evaluate(periods: Periods, chosen: Sequence[Chosen]) -> dict[str, Any]:
    """Let a model be as much worse as chance makes it on so few rows; slice by the two categories with the fewest values."""
    drop = max(0.01, auc_deviation(usual(periods)) / 2)
    slices = sorted((each for each in chosen if SLICES[0] <= each.distinct <= SLICES[1]), key=lambda each: each.distinct)[:2]
    return {"min_auc": 0.5, "max_auc_drop": _up(drop), "slices": [each.name for each in slices]}


def train(rows: int) -> dict[str, Any]:
    """Take about STEPS steps in batches of a hundredth of the rows, from 32 to 1,024, and at least three passes."""
    batch = 2 ** round(math.log2(min(max(rows / 100, 32), 1024)))
    return {"epochs": min(100, max(3, round(STEPS * batch / max(rows, 1)))), "batch_size": batch}


def hyperparameters(rows: int) -> dict[str, Any]:
    """Grow the network with the rows, and drop more of it where they are few."""
    units, dropout = next((units, dropout) for most, units, dropout in SIZES if rows < most)
    return {
        "learning_rate": 0.003,
        "weight_decay": 0.001,
        "hidden_units": [units, units],
        "members": 8,
        "dropout": dropout,
        "embedding_dropout": dropout,
    }


def phone_kilobytes(chosen: Sequence[Chosen], rows: int) -> int:
    """Bound the phone's file: twice what embeddings and layers of two bytes a weight take, and 300 KB."""
    sizes = [min(each.distinct, rows // 20, MOST_EMBEDDED) + 2 for each in chosen if each.distinct]
    wide = [2 ** round(math.log2(1.6 * size**0.56)) for size in sizes]
    units = hyperparameters(rows)["hidden_units"][0]
    weights = sum(size * width for size, width in zip(sizes, wide, strict=True))
    weights += (sum(wide) + 13 * len(chosen) + units) * units
    return max(1000, 300 + math.ceil(2 * 2 * weights / 1000))


def _up(value: float) -> float:
    return math.ceil(value * 1000) / 1000
