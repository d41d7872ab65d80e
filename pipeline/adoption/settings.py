"""Choose gates, drift limits and training settings by written rules of rows, positives and columns. Pure functions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import Any, NamedTuple

from pipeline.adoption.columns import Chosen
from pipeline.adoption.noise import difference, divergence, up
from pipeline.adoption.periods import Periods, Split
from pipeline.adoption.tasks import NUMBER_BUCKETS, Task
from pipeline.problem import MOST_EMBEDDED


class Size(NamedTuple):
    """How large a network is, for fewer rows than `below`."""

    below: float
    units: int  # of a layer
    dropout: float
    harmonics: int  # of a cycle


STEPS = 3_000  # of a training, about: where a small network has learned what it can
SIZES = (Size(2_000, 32, 0.3, 4), Size(20_000, 64, 0.2, 4), Size(200_000, 128, 0.1, 4), Size(math.inf, 256, 0.1, 16))
VALUES = 0.001  # share of rows with values that came or went, of which drift.values is by default
REPEATED = 0.0005  # share of repeated rows that the default limit is well above
SLICES = (2, 30)  # values of a category by which metrics are told


@dataclass(frozen=True)
class Settings:
    """What problem.toml and hyperparameters.json state, each by a rule of this module."""

    gate: dict[str, Any]
    drift: dict[str, Any]
    train: dict[str, Any]
    evaluate: dict[str, Any]
    mobile: dict[str, Any]
    hyperparameters: dict[str, Any]


class Seen(NamedTuple):
    """What the rows of the spans have shown."""

    repeated: float = 0.0  # the largest share of rows of a span that repeat another
    constant: Sequence[str] = ()  # features that have one value only in some window
    moved: Mapping[str, float] = MappingProxyType({})  # by feature, share of rows with values that came or went between windows
    absent: Sequence[str] = ()  # classes that the training of some window lacks


def settings(task: Task, periods: Periods, chosen: Sequence[Chosen], seen: Seen) -> Settings:
    """Choose all settings.

    Args:
        task: of the label.
        periods: with the sizes of each window's splits.
        chosen: the features.
        seen: what the rows have shown.
    """
    rows = round(median(split.rows for split in periods.train))
    return Settings(
        gate(task, periods, seen, max(each.distinct for each in chosen)),
        drift(task, periods, seen.moved),
        train(rows),
        evaluate(task, periods, chosen),
        {"max_size_kb": phone_kilobytes(chosen, rows)},
        hyperparameters(task, rows),
    )


def gate(task: Task, periods: Periods, seen: Seen, most: int) -> dict[str, Any]:
    """Refuse what is far from all that the table has shown: half of its fewest rows, twice its `most` categories, and so on."""
    splits = [*periods.train, *periods.evaluation]
    found: dict[str, Any] = {"min_rows": max(1, min(1000, min(split.rows for split in splits) // 2)), **task.gate(splits)}
    if periods.fewest_days:
        found["min_eval_days"] = max(1, min(7, periods.fewest_days // 2))
    if seen.repeated > REPEATED:
        found["max_repeated_share"] = min(1.0, up(2 * seen.repeated))
    if most > MOST_EMBEDDED / 2:
        found["max_categories"] = 2 * most
    allowed = {"may_be_absent": list(seen.absent), "may_be_constant": list(seen.constant)}
    return found | {name: each for name, each in allowed.items() if each}


def drift(task: Task, periods: Periods, moved: Mapping[str, float]) -> dict[str, Any]:
    """Choose limits above the noise of a usual span and evaluation, and above what of a text's values has come and gone."""
    span, trained = periods.usual_rows, usual(periods.train).rows
    of_a_share = difference(0.5, trained, span)
    of_numbers = divergence(NUMBER_BUCKETS, trained, span)
    found = {"categorical": max(0.02, of_a_share), "numeric": max(0.01, of_numbers), "missing": max(0.03, of_a_share)}
    above_one = {"calibration", "shift", "rmse", "log_loss"}
    found |= task.drift(usual(periods.evaluation), span)
    found = {name: up(value) if name in above_one else min(0.999, up(value)) for name, value in found.items()}
    values = {name: min(0.999, up(share)) for name, share in moved.items() if share > VALUES}
    return found | ({"values_of": values} if values else {})


def usual(splits: Sequence[Split]) -> Split:
    """Return the split of median size, of two the smaller one."""
    return sorted(splits)[(len(splits) - 1) // 2]


def evaluate(task: Task, periods: Periods, chosen: Sequence[Chosen]) -> dict[str, Any]:
    """Bound a candidate as its task does; slice by the two categories with the fewest values."""
    slices = sorted((each for each in chosen if SLICES[0] <= each.distinct <= SLICES[1]), key=lambda each: each.distinct)[:2]
    return task.evaluate(usual(periods.evaluation)) | {"slices": [each.name for each in slices]}


def train(rows: int) -> dict[str, Any]:
    """Take about STEPS steps in batches of a hundredth of the rows, from 32 to 1,024, and at least three passes."""
    batch = 2 ** round(math.log2(min(max(rows / 100, 32), 1024)))
    return {"epochs": min(100, max(3, round(STEPS * batch / max(rows, 1)))), "batch_size": batch}


def sized(rows: int) -> Size:
    """Return the size of the network for so many rows."""
    return next(size for size in SIZES if rows < size.below)


def hyperparameters(task: Task, rows: int) -> dict[str, Any]:
    """Grow the network with the rows, and drop more of it where they are few.

    One that drops nothing is twice as wide. Its RMSE is 4 % less on 5,000 avocados, 3 % less on 20,000 house prices, and 3 %
    more on 7,000 hours of bike rents. With many rows the time of a day is seen sharply: on 340,000 trips 4 harmonics have an
    AUC of 0.659, 16 of 0.690, 32 of 0.692; on 69,000 of another table 16 have 0.004 less than 4.
    """
    size = sized(rows)
    units, dropout = (size.units, size.dropout) if task.drops else (2 * size.units, 0.0)
    return {
        "learning_rate": 0.003,
        "weight_decay": 0.001,
        "hidden_units": [units, units],
        "members": 8,
        "dropout": dropout,
        "embedding_dropout": dropout,
        "harmonics": size.harmonics,
    }


def phone_kilobytes(chosen: Sequence[Chosen], rows: int) -> int:
    """Bound the phone's file: twice what embeddings and layers of two bytes a weight take, and 300 KB."""
    sizes = [min(each.distinct, rows // 20, MOST_EMBEDDED) + 2 for each in chosen if each.distinct]
    wide = [2 ** round(math.log2(1.6 * size**0.56)) for size in sizes]
    units = sized(rows).units
    weights = sum(size * width for size, width in zip(sizes, wide, strict=True))
    weights += (sum(wide) + 13 * len(chosen) + units) * units
    return max(1000, 300 + math.ceil(2 * 2 * weights / 1000))
