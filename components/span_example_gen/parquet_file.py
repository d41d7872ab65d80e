"""Read a Parquet file in batches. What it declares may be a lie: `reader_process` limits what a lie can cost."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from components.shared.errors import BadData
from components.span_example_gen import columns
from components.span_example_gen.limits import (
    MAX_BATCH_VALUES,
    MAX_COLUMNS,
    MAX_FOOTER_ITEMS,
    MAX_FOOTER_STRING_BYTES,
    MAX_ROWS,
)

BATCH_ROWS = 65_536
AGAIN = "Expected a whole Parquet file; write it again."


def batches(path: Path, schema: pa.Schema, ignored: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield batches of at most `BATCH_ROWS` rows with the columns of `schema`.

    Raises:
        BadData: a column is missing, unknown, repeated or of another type; rows are missing; or the file declares more than
            `limits` allow.
    """
    with pa.parquet.ParquetFile(
        path, thrift_string_size_limit=MAX_FOOTER_STRING_BYTES, thrift_container_size_limit=MAX_FOOTER_ITEMS
    ) as parquet:
        metadata = parquet.metadata
        if metadata.num_columns > MAX_COLUMNS:
            raise BadData(f"{metadata.num_columns:,} columns, nested ones included; expected at most {MAX_COLUMNS:,}.")
        columns.require(schema, parquet.schema_arrow.names, ignored)
        columns.check_types(parquet.schema_arrow, schema)
        _check(metadata, schema.names, path.stat().st_size)
        for number in range(metadata.num_row_groups):
            if metadata.row_group(number).num_rows:
                yield from _row_group(parquet, number, schema.names)


def _check(metadata: pa.parquet.FileMetaData, names: Collection[str], size: int) -> None:
    """Raise BadData if the footer contradicts itself or the file's size, or a column is INT96, whose years wrap."""
    for place in range(metadata.num_columns):
        column = metadata.schema.column(place)
        if column.path in names and column.physical_type == "INT96":
            raise BadData(f"column {column.path} is INT96, whose years wrap; expected DATE. In Spark to_date() makes one.")
    if metadata.num_rows > MAX_ROWS:
        raise BadData(f"{metadata.num_rows:,} rows; expected at most {MAX_ROWS:,} in a file. Write several files.")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    stored = sum(group.column(place).total_compressed_size for group in groups for place in range(group.num_columns))
    if stored > size:  # the same pages, in several row groups, would be read that often
        raise BadData(f"its columns have {stored:,} bytes by its footer, and the file {size:,}. {AGAIN}")
    rows = sum(group.num_rows for group in groups)
    if rows != metadata.num_rows:
        raise BadData(f"{rows:,} rows, but its footer says {metadata.num_rows:,}. {AGAIN}")


def _row_group(parquet: pa.parquet.ParquetFile, number: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one row group. Across row groups, Arrow would fill a short column with values of the next one."""
    rows, expected = 0, parquet.metadata.row_group(number).num_rows
    at_once = max(min(BATCH_ROWS, MAX_BATCH_VALUES // len(names)), 1)
    for batch in parquet.iter_batches(at_once, row_groups=[number], columns=names):
        rows += batch.num_rows
        yield from columns.pieces(batch)
    if rows != expected:
        raise BadData(f"{rows:,} rows in row group {number}, but its footer says {expected:,}. {AGAIN}")
