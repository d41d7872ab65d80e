"""Part a batch into slices, each with the labels and scores of its rows."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_model_analysis.proto import config_pb2

from components.columnar.evaluator import configured
from components.columnar.evaluator.rows import Rows
from components.shared.errors import BadData

SliceKey = tuple[tuple[str, str | int | float], ...]


def slices(batch: pa.RecordBatch, config: config_pb2.EvalConfig) -> Iterator[tuple[SliceKey, Rows]]:
    """Yield each slice's labels and scores by model. A row without a slice's feature is in none of it."""
    whole = Rows(
        {spec.name: _singles(batch, configured.label_column(spec)).astype(np.float64) for spec in config.model_specs},
        {spec.name: _scores(batch, configured.score_column(spec)) for spec in config.model_specs},
    )
    for keys in dict.fromkeys(tuple(spec.feature_keys) for spec in config.slicing_specs) or [()]:
        if not keys:
            yield (), whole
            continue
        [name] = keys
        column = batch.column(name)
        values = column.flatten().dictionary_encode()
        codes, of_rows = values.indices.to_numpy(), pc.list_parent_indices(column).to_numpy()
        for code, value in enumerate(values.dictionary.to_pylist()):
            key = ((name, value.decode() if isinstance(value, bytes) else value),)
            yield key, whole.take(np.unique(of_rows[codes == code]))


def _singles(batch: pa.RecordBatch, name: str) -> np.ndarray:
    column = batch.column(name)
    if wrong := len(column) - (pc.sum(pc.equal(pc.list_value_length(column), 1)).as_py() or 0):
        raise BadData(f"{wrong} of {len(column)} rows have no {name}, or several; expected one in each row that is evaluated.")
    return column.flatten().to_numpy(zero_copy_only=False)


def _scores(batch: pa.RecordBatch, name: str) -> np.ndarray:
    values = batch.column(name).flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return values if len(values) == len(batch) else values.reshape(len(batch), -1)
