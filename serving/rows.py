"""Turn raw rows, as a person or a program has them, into the columns that a signature takes. Needs no TensorFlow."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from components.shared import raw_values
from components.shared.errors import BadData, OtherColumns, listed
from components.span_example_gen import csv_file

RawRows = Sequence[Mapping[str, Any]] | pd.DataFrame
DTYPES: dict[str, np.dtype] = {
    "DT_STRING": np.dtype(object),
    "DT_FLOAT": np.dtype(np.float32),
    "DT_DOUBLE": np.dtype(np.float64),
    "DT_INT32": np.dtype(np.int32),
    "DT_INT64": np.dtype(np.int64),
    "DT_BOOL": np.dtype(np.bool_),
}
MISSING = {"O": "", "f": math.nan}  # by the dtype's kind; an integer cannot be missing
ARROW: dict[str, pa.DataType] = {"DT_STRING": pa.string(), "DT_INT32": pa.int64(), "DT_INT64": pa.int64()}  # else float64


def columns(rows: RawRows, inputs: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Turn rows into a column of shape [rows] for each input.

    >>> columns([{"age": 21.5, "color": "red"}, {"color": "blue"}], {"age": "DT_FLOAT", "color": "DT_STRING"})
    {'age': array([21.5,  nan], dtype=float32), 'color': array(['red', 'blue'], dtype=object)}

    In objects a value may be None or left out where it is missing; a frame may have further columns.

    Raises:
        OtherColumns: an unknown field, a missing column.
        BadData: no rows, a value of a wrong type; with the row, counted from 1, and field.
    """
    if len(rows) == 0:
        raise BadData("There are no rows; expected at least one.")
    if isinstance(rows, pd.DataFrame):
        if lacking := sorted(inputs.keys() - set(rows.columns)):
            raise OtherColumns(f"The rows have no column {listed(lacking)}. Expected {', '.join(inputs)}.", inputs)
        return {name: _column(name, rows[name].tolist(), dtype) for name, dtype in inputs.items()}
    for number, row in enumerate(rows, 1):
        if unknown := sorted(row.keys() - inputs.keys()):
            raise OtherColumns(
                f"row {number}: {', '.join(unknown)} is not an input; expected some of {', '.join(sorted(inputs))}.", inputs
            )
    return {name: _column(name, [row.get(name) for row in rows], dtype) for name, dtype in inputs.items()}


def _column(name: str, values: list, dtype: str) -> np.ndarray:
    try:
        return _array(values, DTYPES[dtype])
    except (TypeError, OverflowError) as error:
        for number, value in enumerate(values, 1):
            try:
                _array([value], DTYPES[dtype])
            except (TypeError, OverflowError):
                wrong = "missing" if _is_missing(value) else repr(value)
                raise BadData(f"row {number}: {name} is {wrong}; expected {dtype.removeprefix('DT_').lower()}.") from error
        raise


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _array(values: list, target: np.dtype) -> np.ndarray:
    """Return the values, missing ones as the signature wants them. Raises TypeError, OverflowError."""
    return raw_values.array([MISSING.get(target.kind) if _is_missing(value) else value for value in values], target)


def from_csv(path: Path, inputs: Mapping[str, str], missing: Collection[str] = ()) -> pd.DataFrame:
    """Read the rows of a CSV file with a header, as SpanExampleGen reads those that a model learns from. Raises BadData.

    Columns that are no inputs stay text. Beside the empty one the texts in `missing` mean a missing value unless quoted.
    """
    table = csv_file.table(path, {name: ARROW.get(dtype, pa.float64()) for name, dtype in inputs.items()}, missing)
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
