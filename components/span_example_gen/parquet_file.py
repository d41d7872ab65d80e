"""Reads a Parquet file in batches, and beforehand what it declares: a file of a kilobyte can declare two gigabytes.

The numbers of fields and encodings are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Collection, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet

from components.errors import BadData
from components.span_example_gen import bucket, columns, compact
from components.span_example_gen.limits import MAX_COLUMNS, MAX_FOOTER_BYTES, MAX_GROUP_BYTES, MAX_PAGES, MAX_ROWS

BATCH_ROWS = 65_536
MAGIC = b"PAR1"
TAIL_BYTES = 8  # length of the footer, magic
SCHEMA = 2  # of FileMetaData
UNCOMPRESSED, COMPRESSED, DATA, DICTIONARY, DATA_V2 = 2, 3, 5, 7, 8  # of PageHeader
VALUES = 1  # of each kind of page
ENCODING = {DATA: 2, DICTIONARY: 2, DATA_V2: 4}
DELTA_BYTE_ARRAY = 7  # each value repeats the start of the one before it: a short page can hold any length of text
HEADER_BYTES = 1 << 14
AGAIN = "Expected a whole Parquet file; write it again."


def batches(path: str, schema: pa.Schema, ignored: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yields batches of at most `BATCH_ROWS` rows with the columns of `schema`, texts as dictionaries.

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
        check_sizes(file, metadata, schema.names)
    texts = [name for name in schema.names if columns.is_text(found.field(name).type)]
    with bucket.for_arrow(path) as source, pa.parquet.ParquetFile(source, read_dictionary=texts) as parquet:
        rows = 0
        for batch in parquet.iter_batches(BATCH_ROWS, columns=schema.names):
            rows += batch.num_rows
            yield batch
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


def check_sizes(file: BinaryIO, metadata: pa.parquet.FileMetaData, names: Collection[str]) -> None:
    """Raises BadData if the columns `names` have more rows or pages, or take more memory, than the limits allow."""
    groups = [group for group in map(metadata.row_group, range(metadata.num_row_groups)) if group.num_rows]
    rows = max(sum(group.num_rows for group in groups), metadata.num_rows)
    if rows > MAX_ROWS:
        raise BadData(f"{rows:,} rows; expected at most {MAX_ROWS:,} in a file. Write several files.")
    pages = 0
    for group in groups:
        needed = 0
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.path_in_schema in names:
                sizes = list(_page_sizes(file, chunk, group.num_rows, MAX_PAGES - pages))
                pages += len(sizes)
                needed += chunk.total_compressed_size + max(sizes, default=0)
        if needed > MAX_GROUP_BYTES:
            raise BadData(
                f"a row group needs {needed:,} bytes of memory; expected at most {MAX_GROUP_BYTES:,}. "
                "Write smaller row groups, and pages of about a megabyte."
            )


def _page_sizes(file: BinaryIO, chunk: pa.parquet.ColumnChunkMetaData, rows: int, most: int) -> Iterator[int]:
    """The uncompressed size of each page of a column. Raises BadData if a page is damaged, or there are more than `most`."""
    column, size = chunk.path_in_schema, file.seek(0, 2)
    at = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
    end = at + chunk.total_compressed_size
    if not 0 <= at <= end <= size:
        raise BadData(f"column {column} lies at bytes {at:,} to {end:,} of a file of {size:,}. {AGAIN}")
    while at < end:
        if not most:
            raise BadData(f"more than {MAX_PAGES:,} pages; expected fewer and larger ones. Write the file again.")
        most -= 1
        try:
            header, length = _header(file, at, end)
            for kind, encoding in ENCODING.items():
                if page := header.get(kind):
                    if page[VALUES] > rows:
                        raise compact.Malformed(f"it has {page[VALUES]:,} values, and its row group {rows:,} rows")
                    if page[encoding] == DELTA_BYTE_ARRAY:
                        raise compact.Malformed("it is encoded as DELTA_BYTE_ARRAY; expected a dictionary or PLAIN")
            if min(header[UNCOMPRESSED], header[COMPRESSED]) < 0:
                raise compact.Malformed("it has a negative size")
        except compact.DAMAGE as error:
            raise BadData(f"column {column}, a page at byte {at:,}: {error}. {AGAIN}") from error
        yield header[UNCOMPRESSED]
        at += length + header[COMPRESSED]


def _header(file: BinaryIO, start: int, end: int) -> tuple[dict, int]:
    """The header of a page, and its length."""
    file.seek(start)
    data = file.read(min(HEADER_BYTES, end - start))
    try:
        return compact.struct(data)
    except compact.Malformed:  # it may hold long statistics
        return compact.struct(data + file.read(min(MAX_FOOTER_BYTES, end - start - len(data))))
