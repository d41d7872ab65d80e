"""Reads a Parquet file in batches, and beforehand what it declares: a file of a kilobyte can declare two gigabytes."""

from collections.abc import Collection, Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet

from components.shared.errors import BadData
from components.span_example_gen import bucket, columns, compact, pages
from components.span_example_gen.limits import MAX_COLUMNS, MAX_FOOTER_BYTES, MAX_GROUP_BYTES, MAX_ROWS
from components.span_example_gen.pages import AGAIN

BATCH_ROWS = 65_536
MAGIC = b"PAR1"
TAIL_BYTES = 8  # length of the footer, magic
SCHEMA = 2  # of FileMetaData


def batches(path: str, schema: pa.Schema, ignored: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yields batches of at most `BATCH_ROWS` rows with the columns of `schema`.

    Raises:
        BadData: a column is missing, unknown, repeated or of another type; rows are missing; or the file asks for more than
            `limits` allow.
    """
    with bucket.opened(path) as file:
        check_footer(file)
        with bucket.for_arrow(path) as source:
            metadata = pa.parquet.read_metadata(source)
        found = metadata.schema.to_arrow_schema()
        columns.require(schema, found.names, ignored)
        columns.check_types(found, schema)
        dictionaries = [field.name for field in found if pa.types.is_dictionary(field.type)]
        if not metadata.num_row_groups and not metadata.num_rows:
            return
        check_sizes(file, list(chunks(metadata, schema.names, dictionaries)), metadata.num_rows)
    with bucket.for_arrow(path) as source, pa.parquet.ParquetFile(source) as parquet:
        rows = 0
        for batch in parquet.iter_batches(BATCH_ROWS, columns=schema.names):
            rows += batch.num_rows
            yield from columns.pieces(batch)
        if rows != metadata.num_rows:
            raise BadData(f"{rows:,} rows, but its footer says {metadata.num_rows:,}. {AGAIN}")


def check_footer(file: BinaryIO) -> None:
    """Raises BadData if the footer is too long, or its schema too large for Arrow, which would crash. Else Arrow judges it."""
    size = file.seek(0, 2)
    file.seek(max(size - TAIL_BYTES, 0))
    tail = file.read(TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or length > size - TAIL_BYTES:
        return
    if length > MAX_FOOTER_BYTES:
        raise BadData(f"the footer has {length:,} bytes; expected at most {MAX_FOOTER_BYTES:,}. Write fewer row groups.")
    file.seek(size - TAIL_BYTES - length)
    try:
        elements = len(compact.struct(file.read(length))[0].get(SCHEMA, []))
    except compact.DAMAGE as error:
        raise BadData(f"the footer is damaged: {error}. {AGAIN}") from error
    if elements > MAX_COLUMNS:
        raise BadData(f"the schema has {elements:,} columns, nested ones included; expected at most {MAX_COLUMNS:,}.")


def chunks(
    metadata: pa.parquet.FileMetaData, names: Collection[str], dictionaries: Collection[str]
) -> Iterator[tuple[int, list[pages.Chunk]]]:
    """The rows of each row group and where it holds the columns `names`; `dictionaries` are those that Arrow reads as such.

    Raises BadData if one of them is INT96, whose years wrap.
    """
    # Not by what a row group calls its columns: Arrow reads them by their places.
    declared = [(place, metadata.schema.column(place)) for place in range(metadata.num_columns)]
    declared = [(place, column) for place, column in declared if column.path in names]
    for _, column in declared:
        if column.physical_type == "INT96":
            raise BadData(f"column {column.path} is INT96, whose years wrap; expected DATE. In Spark to_date() makes one.")
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        yield (
            group.num_rows,
            [pages.Chunk.of(column, group.column(place), column.path in dictionaries) for place, column in declared],
        )


def check_sizes(file: BinaryIO, groups: Sequence[tuple[int, list[pages.Chunk]]], file_rows: int) -> None:
    """Raises BadData if the file lacks values, or has more rows or pages, or takes more memory, than the limits allow.

    Row groups that say they are empty count as others: Arrow reads the pages of a column through all groups in one go.

    Args:
        file: open for reading.
        groups: see `chunks`.
        file_rows: how many there are by the footer.
    """
    most = max(sum(rows for rows, _ in groups), file_rows)
    if most > MAX_ROWS:
        raise BadData(f"{most:,} rows; expected at most {MAX_ROWS:,} in a file. Write several files.")
    pages.check_places(file.seek(0, 2), [chunk for _, group in groups for chunk in group])
    taken = pages.Taken()
    for rows, group in groups:
        needed = sum(chunk.end - chunk.start + pages.check(file, chunk, rows, taken) for chunk in group)
        if needed > MAX_GROUP_BYTES:
            raise BadData(
                f"a row group needs {needed:,} bytes of memory; expected at most {MAX_GROUP_BYTES:,}. "
                "Write smaller row groups, and pages of about a megabyte."
            )
