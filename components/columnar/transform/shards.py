"""Transform one file: raw tf.Examples in, prepared ones out, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.tfxio import tensor_adapter

from components.shared import record_batches, tf_examples

# Fixed: same rows, same batches, same rounding. Beam chooses sizes by the clock.
BATCH_ROWS = 4096


@dataclass(frozen=True)
class Shard:
    """A file of raw examples, and the file of prepared ones that it becomes."""

    source: str
    target: str


class TransformShards(beam.DoFn):
    """Writes the `target` of each `Shard`. A worker that repeats one replaces the file by the same."""

    def __init__(self, schema: bytes, adapter: tensor_adapter.TensorAdapterConfig):
        """Create the DoFn.

        Args:
            schema: a serialized `schema_pb2.Schema` of the raw examples.
            adapter: how their columns become tensors.
        """
        super().__init__()
        self._schema, self._adapter = schema, adapter
        self._model: Any = None

    def process(self, shard: Shard, graph: str) -> Iterator[str]:
        """Write a shard with the SavedModel in the folder `graph`. Yields the path of what it wrote."""
        if self._model is None:  # `graph` is a side input, which `setup` does not get
            self._model = tf.saved_model.load(graph)
        raw = record_batches.serialized(shard.source, BATCH_ROWS)
        tf_examples.write(shard.target, chain.from_iterable(record_batches.in_order(self._prepare, raw)))
        yield shard.target

    def _prepare(self, raw: np.ndarray) -> list[bytes]:
        transform = self._model.transform_fn
        batch = record_batches.decode(raw, self._schema)
        tensors = transform(tensor_adapter.TensorAdapter(self._adapter).ToBatchTensors(batch, produce_eager_tensors=True))
        arrays = {name: pa.array(tensor.numpy()) for name, tensor in tensors.items()}
        return tf_examples.encode(pa.RecordBatch.from_pydict(arrays)).to_pylist()
