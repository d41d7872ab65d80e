"""A model's answers, whatever the task: one value a row, or one a class. Pure NumPy."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from components.shared.tasks import Task

Answer = TypeVar("Answer")


def only(outputs: Mapping[str, Answer]) -> Answer:
    """Return the one output of a signature. Raises LookupError if there are more, or none."""
    if len(outputs) != 1:
        raise LookupError(f"the model answers with {', '.join(sorted(outputs)) or 'nothing'}; expected one output")
    return next(iter(outputs.values()))


def unit(task: Task, expected: np.ndarray) -> float:
    """Return what differences of answers are stated in: 1 of probabilities, of numbers their standard deviation."""
    return 1.0 if task.bounded else float(np.std(expected, dtype="float64")) or 1.0


def differences(answers: np.ndarray, expected: np.ndarray, unit: float = 1.0) -> np.ndarray:
    """Return how far answers are from those expected, shape [rows]: of several values a row, the largest."""
    found = np.abs(answers - expected) / unit
    return found if found.ndim == 1 else found.max(axis=1)


def wrong(task: Task, answers: np.ndarray) -> np.ndarray:
    """Mark the rows whose answer is none: no number, or no probability; bool, shape [rows]."""
    fits = np.isfinite(answers)
    if task.bounded:
        with np.errstate(invalid="ignore"):
            fits &= (answers >= 0) & (answers <= 1)
    return ~fits if fits.ndim == 1 else ~fits.all(axis=1)
