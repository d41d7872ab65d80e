"""Read Parquet and CSV files of this machine as Arrow RecordBatches of declared columns, in the process that `reader` starts.

What a Parquet file declares may be a lie. What a lie can cost is limited: the process has `limits.MAX_MEMORY_BYTES` of address
space beyond what it takes at its start. It imports little, since it starts often.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from components.shared.errors import BadData
from components.shared.units import Unit
from components.span_example_gen import columns, csv_file, csv_lines, limits
from components.span_example_gen.columns import Batches

BATCH_ROWS = 65_536
OUT_OF_MEMORY = 12  # exit code
AGAIN = "Expected a whole Parquet file; write it again."


def schema_of(features: Mapping[str, str], date: str, block: Unit = Unit.DAY) -> pa.Schema:
    """Make the schema of what is read: features, name to dtype, and `date`, which tells the block; empty: there is none."""
    fields = [(name, columns.ARROW_TYPES[dtype]) for name, dtype in features.items()]
    return pa.schema(fields + ([(date, columns.BLOCK_TYPES[block])] if date else []))


def read(path: Path, schema: pa.Schema, ignored: Collection[str], missing: Collection[str]) -> Batches:
    """Yield a file's rows in batches; see `reader.read`, which this is for. Raises BadData."""
    conform = partial(columns.conform, schema=schema)
    if path.suffix.lower() == ".parquet":
        return columns.converted(path, parquet(path, schema, ignored), conform, lambda row: f"row {row + 1:,}")
    batches = csv_file.batches(path, schema, ignored, missing)
    return columns.converted(path, batches, conform, partial(csv_lines.place, path, schema.names))


def parquet(path: Path, schema: pa.Schema, ignored: Collection[str]) -> Batches:
    """Yield batches of at most `BATCH_ROWS` rows with the columns of `schema`.

    Raises BadData if columns are not as declared, rows are missing, or the file declares more than `limits` allow.
    """
    with pa.parquet.ParquetFile(
        path,
        thrift_string_size_limit=limits.MAX_FOOTER_STRING_BYTES,
        thrift_container_size_limit=limits.MAX_FOOTER_ITEMS,
    ) as file:
        if (count := file.metadata.num_columns) > limits.MAX_COLUMNS:
            raise BadData(f"{count:,} columns, nested ones included; expected at most {limits.MAX_COLUMNS:,}.")
        columns.require(schema, file.schema_arrow.names, ignored)
        columns.check_types(file.schema_arrow, schema)
        _check(file.metadata, schema.names, path.stat().st_size)
        for number in range(file.num_row_groups):
            yield from _row_group(file, number, schema.names)


def _check(metadata: pa.parquet.FileMetaData, names: Collection[str], size: int) -> None:
    """Raise BadData if the footer contradicts itself or the file's size, or a column is INT96, whose years wrap."""
    for column in map(metadata.schema.column, range(metadata.num_columns)):
        if column.path in names and column.physical_type == "INT96":
            raise BadData(f"column {column.path} is INT96, whose years wrap; expected DATE. In Spark to_date() makes one.")
    if metadata.num_rows > limits.MAX_ROWS:
        raise BadData(f"{metadata.num_rows:,} rows; expected at most {limits.MAX_ROWS:,} in a file. Write several files.")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    stored = sum(group.column(place).total_compressed_size for group in groups for place in range(group.num_columns))
    if stored > size:  # the same pages, in several row groups, would be read that often
        raise BadData(f"its columns have {stored:,} bytes by its footer, and the file {size:,}. {AGAIN}")
    _check_rows(sum(group.num_rows for group in groups), metadata, "")


def _row_group(file: pa.parquet.ParquetFile, number: int, names: list[str]) -> Batches:
    """Yield the rows of one row group. Across row groups, Arrow would fill a short column with values of the next one."""
    group = file.metadata.row_group(number)
    rows, at_once = 0, max(min(BATCH_ROWS, limits.MAX_BATCH_VALUES // len(names)), 1)
    if group.num_rows:
        for batch in file.iter_batches(at_once, row_groups=[number], columns=names):
            rows += batch.num_rows
            yield from columns.pieces(batch)
    _check_rows(rows, group, f" in row group {number}")


def _check_rows(rows: int, said: pa.parquet.FileMetaData | pa.parquet.RowGroupMetaData, where: str) -> None:
    if rows != said.num_rows:
        raise BadData(f"{rows:,} rows{where}, but its footer says {said.num_rows:,}. {AGAIN}")


def serve() -> None:
    """Answer requests until the input ends."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        schema = schema_of(request["columns"], request["date"], Unit(request["block"]))
        error = ""
        with pa.ipc.new_stream(sys.stdout.buffer, schema) as stream:
            try:
                for batch in read(Path(request["path"]), schema, request["ignored"], request["missing"]):
                    stream.write_batch(batch)
            except BadData as refused:
                error = str(refused)
        sys.stdout.buffer.write(json.dumps(error).encode() + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the end of the input has the same effect
    pa.set_cpu_count(1)  # a thread reserves address space
    pa.set_io_thread_count(1)
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + limits.MAX_MEMORY_BYTES
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
    try:
        serve()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:  # nobody reads any more
        os._exit(0)
