"""Read Parquet and CSV files as Arrow RecordBatches of declared columns, and look at these. No loop over rows.

Another process reads, so that a file that takes too much memory, or crashes Arrow, ends that process and not the run: a Parquet
file of a kilobyte can declare two gigabytes. A request is a line of JSON; the answer is a stream of Arrow IPC, and a line of
JSON that says how it ended. After one file the process waits for the next, as starting one takes 0.15 s.
"""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.shared import units
from components.shared.errors import BadData
from components.shared.units import Unit
from components.span_example_gen import bucket, limits
from components.span_example_gen.data_file import OUT_OF_MEMORY, main

ROOT = Path(__file__).parents[2]
# Arrow works without NumPy; where it is there, pandas is imported too, and the start takes three times as long.
START = f"import sys; sys.modules['numpy'] = None; from {main.__module__} import main; main()"
COMMAND = (sys.executable, "-c", START)
POOL = {"ARROW_DEFAULT_MEMORY_POOL": "system"}  # the others reserve gigabytes of address space, and use little of it
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
ADVICE = "Expected a whole file, Parquet with row groups of at most 256 MB and pages of about 1 MB. Write it again, or as CSV."
JOINED_ROWS = 65_536  # of a batch that several small ones are joined to
JOINED_BYTES = 32 << 20
HOUR_SECONDS = 3600
COPIES = 8  # equal rows of a batch, up to which they are taken for one that came several times
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 times the golden ratio's fraction
_idle: list[subprocess.Popen[bytes]] = []  # each has read a file to its end


def read(
    path: Path | str,
    columns: Mapping[str, str],
    date: str,
    ignored: Collection[str] = (),
    missing: Collection[str] = (),
    *,
    block: Unit = Unit.DAY,
) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows in batches, within the bounds of `limits`; none if the file has none, as Spark writes some.

    Args:
        path: a `.parquet` or `.csv` file, or a URI of one; a CSV file is UTF-8 with a header.
        columns: the columns to read, name to dtype ("string", "float32" or "int64").
        date: a column of dates, read beside them, as date32; for blocks of an hour of times, as timestamp[s]. Empty:
            there is none.
        ignored: columns that may be there too.
        missing: what also means a missing value (null) in a CSV file, unless it is quoted; see `data/README.md`.
        block: what the date has to tell, a `Unit.block`.

    Raises:
        BadData: the file is damaged, has other columns or values, or exceeds a limit.
        RuntimeError: the process that reads was ended from elsewhere.
    """
    path = str(path)
    request = {"columns": columns, "date": date, "ignored": list(ignored), "missing": list(missing), "block": block}
    try:
        with bucket.local(path) as local:
            try:
                yield from _answered({"path": local, **request})
            except BadData as error:
                raise BadData(str(error).replace(local, path)) from error
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error}. Expected a file that stays and that this user may read.") from error


def _answered(request: dict) -> Iterator[pa.RecordBatch]:
    process = _taken()
    assert process.stdin and process.stdout
    is_done = False
    try:
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            with pa.ipc.open_stream(process.stdout) as batches:
                yield from batches
            error = json.loads(process.stdout.readline())
        except (OSError, ValueError):  # Arrow's and JSON's are such ones
            process.communicate()
            _refuse(request["path"], process.returncode)
        is_done = True
        if error:
            raise BadData(error)
    finally:
        if is_done:
            _idle.append(process)
        elif process.returncode is None:
            process.kill()
            process.communicate()


def end() -> None:
    """End the processes that wait for a file: each keeps 90 MB."""
    while _idle:
        _idle.pop().communicate()


def _taken() -> subprocess.Popen[bytes]:
    """Return an idle process, or a new one. It ends when its input does, with this process."""
    with contextlib.suppress(IndexError):  # none is left: Beam's threads take them too
        while (process := _idle.pop()).poll() is not None:
            pass
        return process
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **POOL, "PYTHONPATH": path}
    return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _refuse(path: str, code: int) -> None:
    """Raise what the end of the process means, with an exit code or, below 0, by a signal."""
    if code == OUT_OF_MEMORY:
        raise BadData(f"{path}: to read it takes more than {limits.MAX_MEMORY_BYTES / 1e9:.1f} GB of memory. {ADVICE}")
    if -code in CRASHES:
        raise BadData(f"{path} cannot be read: Arrow crashed ({signal.Signals(-code).name}). {ADVICE}")
    raise RuntimeError(f"The process that read {path} ended with {code}; what it wrote to stderr says why.")


def check_dates(batch: pa.RecordBatch, date: str, span: str) -> None:
    """Raise BadData unless every row's date lies in `span`."""
    # Compared as moments: Arrow's names of months repeat after 65,536 years.
    column, unit = batch.column(date), units.of(span)
    start, end = (pa.scalar(moment, column.type) for moment in (unit.start(span), unit.end(span)))
    inside = pc.and_(pc.greater_equal(column, start), pc.less(column, end))
    outside = pc.invert(pc.fill_null(inside, False))
    if pc.any(outside).as_py():
        example = column.filter(outside).cast(pa.string())[0]
        raise BadData(
            f"{pc.sum(outside).as_py()} rows have a {date} outside their span {span}, such as {example}. "
            f"Expected each row in its own {unit}'s folder."
        )


def row_hashes(batch: pa.RecordBatch) -> np.ndarray:
    """Hash each row's values, uint64, shape [rows]: equal rows have equal hashes, and others hardly ever."""
    # Int64 also without a null: pandas' float64 with one would hash the same number differently.
    rows = batch.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return pd.util.hash_pandas_object(rows, index=False).to_numpy()


def blocks(batch: pa.RecordBatch, date: str) -> np.ndarray:
    """Return the block of each row, in days or, where the date is a time, in hours since 1970; int32, shape [rows]."""
    column = batch.column(date)
    if pa.types.is_date(column.type):
        return column.cast(pa.int32()).to_numpy()
    return (column.cast(pa.int64()).to_numpy() // HOUR_SECONDS).astype(np.int32)


def block_counts(batch: pa.RecordBatch, date: str) -> dict[str, int]:
    """Count the rows of each block, by its name: YYYY-MM-DD, or YYYY-MM-DDTHH where the date is a time."""
    numbers, counts = np.unique(blocks(batch, date), return_counts=True)
    moments = numbers.astype("datetime64[D]" if pa.types.is_date(batch.column(date).type) else "datetime64[h]")
    return dict(zip(np.datetime_as_string(moments).tolist(), counts.tolist(), strict=True))


def joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join the rows to fewer batches, those of many small files to one."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if pending and (rows + batch.num_rows > JOINED_ROWS or size + batch.nbytes > JOINED_BYTES):
            yield _one(pending)
            pending, rows, size = [], 0, 0
        pending.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if pending:
        yield _one(pending)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def split_by_hash(batch: pa.RecordBatch, eval_share: float) -> dict[str, pa.RecordBatch]:
    """Split the rows by a hash of their values, so that equal rows are in one split, whatever else there is.

    Of more than `COPIES` equal rows, each split has its share: they are what often happens, and not a file that came twice.
    """
    hashes = row_hashes(batch)
    _, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    place = np.empty(len(hashes), np.uint64)  # among the equal rows
    place[np.argsort(group, kind="stable")] = np.arange(len(hashes)) - np.repeat(np.cumsum(counts) - counts, counts)
    spread = np.where(counts[group] > COPIES, place, np.uint64(0)) * GOLDEN  # even on the circle of 2^64
    is_eval = pa.array(hashes + spread < np.uint64(eval_share * 2.0**64))
    return {"train": batch.filter(pc.invert(is_eval)), "eval": batch.filter(is_eval)}


def split_by_time(batch: pa.RecordBatch, date: str, evaluated_from: datetime.datetime) -> dict[str, pa.RecordBatch]:
    """Split the rows: those before `evaluated_from` are "train", the others "eval"."""
    column = batch.column(date)
    is_train = pc.less(column, pa.scalar(evaluated_from, column.type))
    return {"train": batch.filter(is_train), "eval": batch.filter(pc.invert(is_train))}
