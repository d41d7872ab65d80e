"""Files of tf.Examples as Arrow RecordBatches: read, inflated, checked and decoded in C++, a file a Beam element.

TFX's own source hands every row through Python, several times. Gzipped files cannot be split, so it has no more to share out
among workers either.
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
THREADS = 2  # of a worker, for C++ code that Python's lock does not hold up


def files(examples: Artifact, split: str) -> list[str]:
    """The files of a split, sorted.

    Raises:
        BadData: they hold something else than tf.Examples, or there are none.
    """
    payload, _ = tfxio_utils.resolve_payload_format_and_data_view_uri([examples])
    if payload != example_gen_pb2.FORMAT_TF_EXAMPLE:
        name = example_gen_pb2.PayloadFormat.Name(payload)
        raise BadData(f"{examples.uri} holds {name}; expected FORMAT_TF_EXAMPLE, as SpanExampleGen writes.")
    folder = artifact_utils.get_split_uri([examples], split)
    if not (found := folders.matching(folder)):
        raise BadData(f"No files in {folder}; expected gzipped TFRecords of tf.Examples, as SpanExampleGen writes.")
    return found


def serialized(path: str, rows: int) -> Iterator[np.ndarray]:
    """The serialized tf.Examples of a gzipped TFRecord file, in its order, always cut alike; the last batch may be shorter."""
    return tf.data.TFRecordDataset(path, "GZIP").batch(rows).prefetch(1).as_numpy_iterator()


def decode(examples: np.ndarray, schema: bytes | None) -> pa.RecordBatch:
    """A batch whose columns are lists.

    Args:
        examples: serialized tf.Examples.
        schema: a serialized `schema_pb2.Schema`, which settles columns and types; without one the batch has what is in it.
    """
    return example_coder.ExamplesToRecordBatchDecoder(schema).DecodeBatch(examples)


def read(path: str, rows: int, schema: bytes | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of one file: `serialized`, then `decode`."""
    return in_order(lambda examples: decode(examples, schema), serialized(path, rows))


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """As `map`, with at most THREADS items in work, and as many results that nobody has taken."""
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
    """`read` of many files, as a Beam source."""
    return pipeline | beam.Create(paths, reshuffle=True) | beam.FlatMap(read, rows, schema).with_output_types(pa.RecordBatch)
