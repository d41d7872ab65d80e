"""Decide the spans of rows without a date: two deliveries, of which the second run learns both. Pure."""

import datetime

from components.shared.units import Unit
from pipeline.adoption.evaluation import EVAL_ROWS
from pipeline.adoption.periods import Periods, Split

FEW = 200  # rows below which the table is not parted
SHARE = (0.1, 0.25)  # that is evaluated, at least and at most


def names(rows: int, today: datetime.datetime) -> list[str]:
    """Name the spans that so many rows are parted into, as if they had come last month and this one; a few are one span."""
    return Unit.MONTH.window(Unit.MONTH.span_of(today), 1 if rows < FEW else 2)


def eval_share(rows: int) -> float:
    """Return the share of the rows that is evaluated: about EVAL_ROWS."""
    return round(min(max(EVAL_ROWS / max(rows, 1), SHARE[0]), SHARE[1]), 2)


def periods(spans: dict[str, tuple[Split, Split]], share: float) -> Periods:
    """Decide how runs take the spans: the first one alone, the second both.

    A window is of two spans, of which one may be absent, so that the first run has the model that the second one's is held
    against, and the second one's is of all rows.

    Args:
        spans: the sizes of both splits of each, as the pipeline's hash parts them.
        share: that is evaluated.
    """
    train, evaluation = [], []
    for before in range(len(spans)):
        splits = list(spans.values())[: before + 1]
        sums = [Split(*map(sum, zip(*each, strict=True))) for each in zip(*splits, strict=True)]
        train.append(sums[0])
        evaluation.append(sums[1])
    there = tuple(spans)
    return Periods(
        Unit.MONTH,
        there,
        tuple(train.rows + held.rows for train, held in spans.values()),
        len(there),
        len(there) - 1,
        tuple(there[: at + 1] for at in range(len(there))),
        tuple(train),
        tuple(evaluation),
        eval_share=share,
    )
