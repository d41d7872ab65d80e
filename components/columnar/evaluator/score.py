"""Read files of tf.Examples as columns, with the scores of SavedModels among them."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.shared.errors import BadConfig, CrosswindError

BATCH_ROWS = 1000
ADVICE = "Give the model such a signature, and its name to the ModelSpec."


class NotAScore(ValueError, CrosswindError):
    """A model's answer to a row is not one number."""


class ScoredBy(NamedTuple):
    """A SavedModel's signature, which takes serialized tf.Examples, and the column that its answers go to."""

    folder: str
    signature: str
    column: str


@dataclass
class Score(beam.DoFn):
    """Turns a gzipped file of tf.Examples into RecordBatches: the features of `schema`, and a column of scores for each model.

    Every column is of lists, as tf.Examples are decoded to; those of scores have one float32 each. Raises NotAScore.
    """

    models: list[ScoredBy]
    schema: schema_pb2.Schema

    def __post_init__(self) -> None:
        super().__init__()

    def setup(self) -> None:
        self._loaded = [tf.saved_model.load(model.folder) for model in self.models]  # a signature does not keep its model alive
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(self.schema.SerializeToString())

    def process(self, path: str) -> Iterator[pa.RecordBatch]:
        for examples in tf.data.TFRecordDataset(path, "GZIP").batch(BATCH_ROWS).as_numpy_iterator():
            features = self._decoder.DecodeBatch(examples.tolist())
            columns = [
                of_one(scores(loaded.signatures[model.signature], examples, f"{model.folder}, signature {model.signature}"))
                for model, loaded in zip(self.models, self._loaded, strict=True)
            ]
            names = [model.column for model in self.models]
            yield pa.RecordBatch.from_arrays([*features.columns, *columns], [*features.schema.names, *names])


def scores(signature, examples: np.ndarray, name: str) -> np.ndarray:
    """Return the answers of a signature, which errors call `name`, to serialized tf.Examples, `[rows]`. Raises NotAScore."""
    inputs = signature.structured_input_signature[1]
    if [spec.dtype for spec in inputs.values()] != [tf.string]:
        raise NotAScore(f"{name} takes {', '.join(map(str, inputs.values()))}; expected serialized tf.Examples. {ADVICE}")
    answers = signature(**dict.fromkeys(inputs, tf.constant(examples)))  # by name: TensorFlow tries that first
    sizes = [math.prod(answer.shape) for answer in answers.values()]
    if sizes != [len(examples)]:
        raise NotAScore(
            f"{name} answers {len(examples)} rows with {sorted(answers)} of {sizes} values; expected one a row. {ADVICE}"
        )
    [answer] = answers.values()
    return answer.numpy().reshape(-1)


def of_one(values: np.ndarray) -> pa.ListArray:
    """Make a column of lists of one float32."""
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32), pa.array(values, pa.float32()))


def decoded(schema: schema_pb2.Schema, names: Iterable[str]) -> schema_pb2.Schema:
    """Return the part of a schema for these features, so that only they are decoded. Raises BadConfig if one is not there."""
    known = {feature.name: feature for feature in schema.feature}
    if unknown := sorted(set(names) - set(known)):
        raise BadConfig(f"The evaluation asks for {', '.join(unknown)}; expected features of the schema: {', '.join(known)}.")
    return schema_pb2.Schema(feature=[schema_pb2.Feature(name=name, type=known[name].type) for name in sorted(set(names))])
