"""A model's answers, whatever the task: one value a row, or one a class. Pure NumPy."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from components.shared.tasks import BINARY, MULTICLASS, Task

Answer = TypeVar("Answer")
Interval = tuple[float, float]  # what to add to a number for the ends of where it is expected
ENDS = ("lower end", "upper end")


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


def names(output: str, classes: Sequence[str], interval: Interval | None = None) -> list[str]:
    """Name the columns that answers are in a table: the output's name, with both ends of an interval; or one a class.

    >>> names("probabilities", ["kept", "returned"])
    ['probability of kept', 'probability of returned']
    >>> names("prediction", [], (-2.5, 4.0))
    ['prediction', 'lower end', 'upper end']
    """
    return [f"{MULTICLASS.called} of {name}" for name in classes] or [output, *(ENDS if interval else ())]


def with_ends(answers: np.ndarray, interval: Interval | None) -> np.ndarray:
    """Put the ends of its interval beside each number: shape [rows, 3]; without an interval the answers as they are."""
    return answers if interval is None else answers.reshape(-1, 1) + np.array([0, *interval], answers.dtype)


def columns(answers: np.ndarray, named: Sequence[str]) -> dict[str, np.ndarray]:
    """Part answers, shape [rows] or [rows, classes], into columns of these names, each of shape [rows]."""
    return dict(zip(named, answers.reshape(len(answers), -1).T, strict=True))


def in_words(answer: np.ndarray, output: str, classes: Sequence[str]) -> str:
    """Say one row's answer: the likeliest class with its probability, the probability, or the number.

    >>> in_words(np.array([0.2, 0.8]), "probabilities", ["kept", "returned"])
    'returned, probability 0.8000'
    """
    if classes:
        return f"{classes[int(answer.argmax())]}, {MULTICLASS.called} {answer.max():.4f}"
    return f"{output} {f'{answer:.4f}' if output == BINARY.output else figure(float(answer))}"


def figure(value: float) -> str:
    """Write a number that is no probability: four digits, or all of those before the point.

    >>> [figure(value) for value in (0.01234, 12.345, 123456.7)]
    ['0.01234', '12.35', '123457']
    """
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004
