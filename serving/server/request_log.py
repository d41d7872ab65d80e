"""Log a sample of the answered requests as tf.Examples, for the DriftMonitor to compare with the training data."""

import logging
import queue
import random
import threading
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from components.shared.files import TEMPORARY_PREFIX, fsync
from serving.server.servable import Tensors

LOG = logging.getLogger(__name__)
WAITING = 1000  # requests; more are not logged: a slow disk must not slow the answers
PAUSE_SECONDS = 1.0  # after a file that could not be written
QUIET_SECONDS = 60.0  # between two errors: a full disk would fill the server's own log with them
CLOSE_SECONDS = 10.0  # for what waits at the end: a disk that hangs must not hold the server


class RequestLog:
    """Files of gzipped TFRecords. A file has its name only when it is complete; the one being written has another."""

    def __init__(self, folder: Path, share: float, max_rows: int = 10_000, max_seconds: float = 300.0):
        """Log a `share` of the requests to a folder, which is made; a file ends after `max_rows` or `max_seconds`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._share, self._max_rows, self._max_seconds = folder, share, max_rows, max_seconds
        self._queue: queue.Queue[Tensors | None] = queue.Queue()
        self._random = random.Random()  # noqa: S311  # a sample, not a secret
        self._closing = threading.Event()
        self._quiet_until = 0.0
        self._thread = threading.Thread(target=self._write, name="request-log", daemon=True)
        self._thread.start()

    def offer(self, columns: Tensors) -> None:
        """Log a request, or leave it out; never wait."""
        if self._random.random() < self._share and self._queue.qsize() < WAITING:
            self._queue.put_nowait(columns)

    def close(self) -> None:
        """Write what waits, and end; what is not written within `CLOSE_SECONDS` is lost."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            LOG.error("%d requests were not logged: %s took over %g s", self._queue.qsize(), self._folder, CLOSE_SECONDS)

    def _write(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            try:
                if (first := self._queue.get()) is not None:
                    self._write_file(first)
            except Exception:  # TensorFlow's errors are no OSErrors; whatever it was, the next file may work
                self._failed()
                self._closing.wait(PAUSE_SECONDS)

    def _failed(self) -> None:
        """Log the error that is handled, unless one was logged a moment ago."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            LOG.exception("Requests could not be logged to %s, and are lost", self._folder)

    def _write_file(self, first: Tensors) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)  # it may have been deleted
        name = f"requests-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}.tfrecord.gz"
        temporary = self._folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"  # not *.tfrecord*, which the DriftMonitor reads
        try:
            if self._fill(temporary, first):
                fsync(temporary)
                temporary.rename(self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)  # a full disk would stay full

    def _fill(self, path: Path, columns: Tensors | None) -> int:
        """Write requests until the file is full, its time is over or the log ends; return the number of rows."""
        until, rows = time.monotonic() + self._max_seconds, 0
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            while columns is not None:
                for example in self._encoded(columns):
                    writer.write(example)
                    rows += 1
                left = until - time.monotonic()
                if rows >= self._max_rows or left <= 0:
                    break
                try:
                    columns = self._queue.get(timeout=left)
                except queue.Empty:
                    break
        return rows

    def _encoded(self, columns: Tensors) -> list[bytes]:
        """Encode the rows of a request; none if tf.Example cannot hold them, which must not cost the others their file."""
        try:
            return examples(columns)
        except Exception:
            self._failed()
            return []


def examples(columns: Tensors) -> list[bytes]:
    """Encode rows as serialized tf.Examples, unless the request had them so. NaN and "" become missing."""
    if len(columns) == 1:
        (column,) = columns.values()
        if column.dtype.kind == "O":
            return column.tolist()
    from tfx_bsl.coders import example_coder  # noqa: PLC0415  # 6 s, which a server without a log starts without

    lists = [_lists(pa.array(column, pa.binary() if column.dtype.kind == "O" else None)) for column in columns.values()]
    return example_coder.RecordBatchToExamplesEncoder().encode(pa.RecordBatch.from_arrays(lists, list(columns)))


def _lists(column: pa.Array) -> pa.ListArray:
    """Make each value a list of one, each missing one a null: to TFDV an empty list is a value."""
    present = column.is_valid()
    if pa.types.is_floating(column.type):
        present = pc.invert(pc.is_nan(column))
    elif pa.types.is_binary(column.type):
        present = pc.greater(pc.binary_length(column), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(present.cast(pa.int32()))])
    return pa.ListArray.from_arrays(offsets, column.filter(present), mask=pc.invert(present))
