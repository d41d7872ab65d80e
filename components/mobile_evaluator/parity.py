"""Compare a file's answers with the server's, by XNNPACK's kernels and by TensorFlow Lite's own."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from components.shared import answers
from components.shared.metric_names import ROWS
from components.shared.phone.runtime import TFLiteModel

KERNELS = {True: "with XNNPACK", False: "without XNNPACK"}


def differences(
    model: bytes, rows: Mapping[str, np.ndarray], expected: np.ndarray, unit: float = 1.0
) -> dict[bool, np.ndarray]:
    """Return how far the file's answers are from those expected, of shape [rows], with XNNPACK and without."""
    return {delegates: answers.differences(TFLiteModel(model, delegates)(rows), expected, unit) for delegates in KERNELS}


def worst(found: Mapping[bool, np.ndarray], names: Sequence[str]) -> str:
    """Name the row of the largest difference, or of the first that is NaN, and the kernels."""
    kernels = max(found, key=lambda delegates: np.nan_to_num(found[delegates], nan=np.inf).max())
    return f"{names[int(np.argmax(found[kernels]))]}, {KERNELS[kernels]}"


def worse_slices(
    mobile: Mapping[str, Mapping[str, float]],
    server: Mapping[str, Mapping[str, float]],
    limits: Mapping[str, float],
    rows: int,
    in_unit: Collection[str] = (),
) -> list[str]:
    """Word each metric, and slice of at least `rows` rows, in which the file differs too much from the server's model.

    Args:
        mobile, server: slice to metric to value.
        limits: metric to the largest difference.
        rows: smaller slices are ignored: one pair of rows that swap their order moves their AUC.
        in_unit: metrics whose limit is a share of the server's value.

    Returns:
        The sentences. A metric without a finite value in both is not compared; one that has it in only one differs.
    """
    return [
        f"{name}: {metric} of the file {_stated(file)}, of the server's model {_stated(expected)}; "
        f"expected them within {limit:g}{' of it' if metric in in_unit else ''}"
        for name, values in mobile.items()
        if values[ROWS] >= rows
        for metric, limit in limits.items()
        for file, expected in [(values.get(metric, math.nan), server[name].get(metric, math.nan))]
        if (math.isfinite(file) or math.isfinite(expected))
        and not abs(file - expected) <= limit * (expected if metric in in_unit else 1)  # NaN is within no limit
    ]


def _stated(value: float) -> str:
    return f"is {value:.5f}" if math.isfinite(value) else "has no value"
