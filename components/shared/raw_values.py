"""Check that a raw value may enter a model, by one rule for servers and for phones. Imports only numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

TYPES: dict[str, tuple[type, ...]] = {
    "O": (str,),
    "f": (int, float, np.number),
    "i": (int, np.integer),
    "b": (bool, np.bool_),
}


def array(values: Sequence[Any], dtype: np.dtype) -> np.ndarray:
    """Make an array of values without changing any, as a number would change that becomes infinite.

    Raises TypeError, as a bool is not a number and a number not a text, or OverflowError.
    """
    for value in values:
        if not isinstance(value, TYPES[dtype.kind]) or (isinstance(value, bool) and dtype.kind != "b"):
            raise TypeError(value)
    with np.errstate(over="raise"):
        try:
            return np.array(values, dtype)
        except FloatingPointError as error:
            raise OverflowError(str(error)) from error
