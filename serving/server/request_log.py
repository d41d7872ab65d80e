"""A sample of the answered requests as tf.Examples, which the DriftMonitor compares with the training data."""

import logging
import queue
import random
import threading
import time
import uuid
from pathlib import Path

from components.files import TEMPORARY_PREFIX, fsync
from serving.server.servable import Columns

LOG = logging.getLogger(__name__)
WAITING = 1000  # requests; what comes above is not logged: a slow disk must not slow the answers


class RequestLog:
    """Files of gzipped TFRecords. A file has its name only when it is complete; the one being written has another."""

    def __init__(self, folder: Path, share: float, max_rows: int = 10_000, max_seconds: float = 300.0):
        """Args:
        folder: made if need be; `drift.requests` of the pipeline's configuration names it.
        share: of the requests that are logged, above 0 and at most 1.
        max_rows, max_seconds: after which a file is closed and the next one begun.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._share, self._max_rows, self._max_seconds = folder, share, max_rows, max_seconds
        self._queue: queue.Queue[Columns | None] = queue.Queue(WAITING)
        self._random = random.Random()  # noqa: S311  # a sample, not a secret
        self._thread = threading.Thread(target=self._write, name="request-log")
        self._thread.start()

    def offer(self, columns: Columns) -> None:
        """Logs a request, or not. Never waits."""
        if self._random.random() < self._share and not self._queue.full():
            self._queue.put_nowait(columns)

    def close(self) -> None:
        """Writes what waits, and ends."""
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        going = True
        while going:
            try:
                going = self._write_file()
            except OSError:
                LOG.exception("Requests could not be logged to %s", self._folder)
                time.sleep(1)

    def _write_file(self) -> bool:
        """Fills one file. False at the end of the log."""
        import tensorflow as tf  # noqa: PLC0415  # loaded by the server anyway; a test of the file alone is spared it

        first = self._queue.get()
        if first is None:
            return False
        until, rows = time.monotonic() + self._max_seconds, 0
        columns: Columns | None = first
        name = f"requests-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}.tfrecord.gz"
        temporary = self._folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"  # not *.tfrecord*, which the DriftMonitor reads
        with tf.io.TFRecordWriter(str(temporary), "GZIP") as writer:
            while columns is not None:
                for example in examples(columns):
                    writer.write(example)
                    rows += 1
                try:
                    left = until - time.monotonic()
                    if rows >= self._max_rows or left <= 0:
                        break
                    columns = self._queue.get(timeout=left)
                except queue.Empty:
                    break
        fsync(temporary)
        temporary.rename(self._folder / name)
        return columns is not None


def examples(columns: Columns) -> list[bytes]:
    """The rows as serialized tf.Examples; they are that already where the request had them so. NaN and "" become missing."""
    if len(columns) == 1:
        (column,) = columns.values()
        if column.dtype.kind == "O":
            return column.tolist()
    import pyarrow as pa  # noqa: PLC0415

    from serving.server import encode  # noqa: PLC0415

    arrays = [pa.array(column, pa.binary() if column.dtype.kind == "O" else None) for column in columns.values()]
    return encode.examples(pa.RecordBatch.from_arrays(arrays, list(columns)))
