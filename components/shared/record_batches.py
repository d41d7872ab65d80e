"""Read files of tf.Examples as Arrow RecordBatches: read, inflated, checked and decoded in C++, a file for each Beam element.

TFX's own source hands every row through Python, several times. It cannot share the work among more workers either, since
gzipped files cannot be split.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx.components.util import tfxio_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx_bsl.coders import example_coder

from components.shared import folders
from components.shared.errors import BadData

Item = TypeVar("Item")
Result = TypeVar("Result")
THREADS = 2  # of a worker, for C++ code that runs without Python's lock


def files(examples: Artifact, split: str) -> list[str]:
    """List the files of a split, sorted. Raises BadData if they hold something other than tf.Examples, or there are none."""
    payload, _ = tfxio_utils.resolve_payload_format_and_data_view_uri([examples])
    if payload != example_gen_pb2.FORMAT_TF_EXAMPLE:
        name = example_gen_pb2.PayloadFormat.Name(payload)
        raise BadData(f"{examples.uri} holds {name}; expected FORMAT_TF_EXAMPLE, as SpanExampleGen writes.")
    folder = artifact_utils.get_split_uri([examples], split)
    if not (found := folders.matching(folder)):
        raise BadData(f"No files in {folder}; expected gzipped TFRecords of tf.Examples, as SpanExampleGen writes.")
    return found


def serialized(path: str, rows: int) -> Iterator[np.ndarray]:
    """Yield the serialized tf.Examples of a TFRecord file in order, always cut alike; the last batch may be shorter."""
    return tf.data.TFRecordDataset(path, "GZIP" if path.endswith(".gz") else "").batch(rows).prefetch(1).as_numpy_iterator()


def decode(examples: np.ndarray, schema: bytes | None) -> pa.RecordBatch:
    """Decode a batch of serialized tf.Examples, whose columns become lists.

    The serialized `schema_pb2.Schema` decides columns and types; None: the batch has what it contains.
    """
    return example_coder.ExamplesToRecordBatchDecoder(schema).DecodeBatch(examples)


def read(path: str, rows: int, schema: bytes | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one file: `serialized`, then `decode`."""
    return in_order(lambda examples: decode(examples, schema), serialized(path, rows))


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Map with threads, with at most THREADS items in work, and as many results that nobody has taken."""
    with ThreadPoolExecutor(THREADS) as pool:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > THREADS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@beam.ptransform_fn
@beam.typehints.with_input_types(beam.Pipeline)
@beam.typehints.with_output_types(pa.RecordBatch)
def Read(pipeline: beam.Pipeline, paths: list[str], rows: int, schema: bytes | None = None) -> beam.PCollection:
    """Read many files by `read`, as a Beam source."""
    return pipeline | beam.Create(paths, reshuffle=True) | beam.FlatMap(read, rows, schema).with_output_types(pa.RecordBatch)
