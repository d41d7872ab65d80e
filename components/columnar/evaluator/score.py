"""Read files of tf.Examples as columns, with the scores of SavedModels among them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.columnar.evaluator.rows import NotAScore
from components.shared import raw_rows
from components.shared.errors import BadConfig

BATCH_ROWS = 1000
ADVICE = "Give the model such a signature, and its name to the ModelSpec."


class ScoredBy(NamedTuple):
    """A SavedModel's signature, which takes serialized tf.Examples, and the column that its answers go to: scores or labels."""

    folder: str
    signature: str
    column: str


@dataclass
class Score(beam.DoFn):
    """Turns a gzipped file of tf.Examples into RecordBatches: the features of `schema`, and a column for each of `models`.

    Every column is of lists, as tf.Examples are decoded to; those of answers have one value each, or one a class. Raises
    NotAScore.
    """

    models: list[ScoredBy]
    schema: schema_pb2.Schema

    def __post_init__(self) -> None:
        super().__init__()

    def setup(self) -> None:
        # A signature does not keep its model alive.
        self._loaded = {folder: tf.saved_model.load(folder) for folder in {model.folder for model in self.models}}
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(self.schema.SerializeToString())

    def process(self, path: str) -> Iterator[pa.RecordBatch]:
        for examples in tf.data.TFRecordDataset(path, "GZIP").batch(BATCH_ROWS).as_numpy_iterator():
            features = self._decoder.DecodeBatch(examples.tolist())
            answered = [
                answers(
                    self._loaded[model.folder].signatures[model.signature],
                    examples,
                    f"{model.folder}, signature {model.signature}",
                )
                for model in self.models
            ]
            columns, names = [raw_rows.as_lists(each) for each in answered], [model.column for model in self.models]
            yield pa.RecordBatch.from_arrays([*features.columns, *columns], [*features.schema.names, *names])


def answers(signature, examples: np.ndarray, name: str) -> np.ndarray:
    """Return the answers of a signature, which errors call `name`, to serialized tf.Examples.

    Returns:
        `[rows]`, or `[rows, classes]`, of the signature's type.

    Raises:
        NotAScore: the signature takes something else, or its answer has another shape.
    """
    inputs = signature.structured_input_signature[1]
    if [spec.dtype for spec in inputs.values()] != [tf.string]:
        raise NotAScore(f"{name} takes {', '.join(map(str, inputs.values()))}; expected serialized tf.Examples. {ADVICE}")
    outputs = signature(**dict.fromkeys(inputs, tf.constant(examples)))  # by name: TensorFlow tries that first
    shapes = {output: tuple(answer.shape) for output, answer in outputs.items()}
    if len(shapes) != 1 or any(shape[:1] != (len(examples),) or 0 in shape for shape in shapes.values()):
        raise NotAScore(
            f"{name} answers {len(examples)} rows with {shapes}; expected one output, with one value a row or one a class. "
            f"{ADVICE}"
        )
    [answer] = outputs.values()
    values = answer.numpy().reshape(len(examples), -1)
    return values[:, 0] if values.shape[1] == 1 else values


def decoded(schema: schema_pb2.Schema, names: Iterable[str]) -> schema_pb2.Schema:
    """Return the part of a schema for these features, so that only they are decoded. Raises BadConfig if one is not there."""
    known = {feature.name: feature for feature in schema.feature}
    if unknown := sorted(set(names) - set(known)):
        raise BadConfig(f"The evaluation asks for {', '.join(unknown)}; expected features of the schema: {', '.join(known)}.")
    return schema_pb2.Schema(feature=[schema_pb2.Feature(name=name, type=known[name].type) for name in sorted(set(names))])
