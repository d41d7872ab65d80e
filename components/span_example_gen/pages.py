"""The pages of a Parquet file, as their headers declare them: the values and the bytes that Arrow would believe.

The numbers of fields and encodings are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import pyarrow.parquet

from components.shared.errors import BadData
from components.span_example_gen import compact, texts
from components.span_example_gen.limits import (
    MAX_DICTIONARY_BYTES,
    MAX_DICTIONARY_VALUES,
    MAX_NUMBER_BYTES,
    MAX_PAGE_HEADER_BYTES,
    MAX_PAGE_HEADERS_BYTES,
    MAX_PAGES,
    MAX_TEXT_BYTES,
)

TYPE, UNCOMPRESSED, COMPRESSED = 1, 2, 3  # of PageHeader
DATA, DICTIONARY, DATA_V2 = 0, 2, 3  # its types
FIELDS = {DATA: (5, 2), DICTIONARY: (7, 2), DATA_V2: (8, 4)}  # in PageHeader the type's own field, and there the encoding
VALUES = 1  # in each of those
PLACES = (2, 8)  # encodings that name places in the dictionary
LEVELS, IS_COMPRESSED = (5, 6), 7  # of a page of data in its second version
LEVEL_BYTES = 4  # before the levels of the first version, their size
LONGER = 4  # times as long may a text be here: what reads the values says better which one is too long
VALUE_OVERHEAD = 8  # bytes: its length, and whether it is missing
PAGE_OVERHEAD = 4_096  # bytes: encodings fill up their blocks
AGAIN = "Expected a whole Parquet file; write it again."


class Chunk(NamedTuple):
    """A column in one row group.

    Attributes:
        start, end: where its pages lie.
        column: its name.
        values: how many it has by the footer, missing ones included.
        value_bytes: the most that a value may have.
        is_dictionary: whether Arrow reads the column as a dictionary, and keeps each distinct value to the end of the file.
        is_text: whether its values have lengths of their own.
        may_be_missing: whether a page says which values are.
        codec: what its pages are compressed with.
    """

    start: int
    end: int
    column: str
    values: int
    value_bytes: int
    is_dictionary: bool
    is_text: bool
    may_be_missing: bool
    codec: str

    @classmethod
    def of(
        cls, declared: pyarrow.parquet.ColumnSchema, chunk: pyarrow.parquet.ColumnChunkMetaData, is_dictionary: bool
    ) -> "Chunk":
        """What the footer says."""
        start = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
        is_text = chunk.physical_type == "BYTE_ARRAY"
        value_bytes = MAX_TEXT_BYTES if is_text else MAX_NUMBER_BYTES
        return cls(
            start=start,
            end=start + chunk.total_compressed_size,
            column=declared.path,
            values=chunk.num_values,
            value_bytes=value_bytes,
            is_dictionary=is_dictionary,
            is_text=is_text,
            may_be_missing=declared.max_definition_level > 0,
            codec=chunk.compression,
        )

    @property
    def is_unread(self) -> bool:
        """Whether Arrow reads no page of it. Where it lies says nothing then: of an empty row group pyarrow writes 0."""
        return self.values == 0


class Page(NamedTuple):
    """What the header of a page says.

    Attributes:
        bytes: its size when it is not compressed.
        values: of a page of data, missing ones included; else 0.
        is_places: whether it names places in the dictionary.
        header_bytes: size of the header.
    """

    bytes: int
    values: int
    is_places: bool
    header_bytes: int


@dataclass
class Taken:
    """What a file has taken of the limits so far."""

    pages: int = 0
    header_bytes: int = 0
    dictionary_bytes: int = 0

    def add(self, page: Page, chunk: Chunk) -> None:
        """Raises BadData beyond a limit."""
        self.pages += 1
        self.header_bytes += page.header_bytes
        if self.pages > MAX_PAGES or self.header_bytes > MAX_PAGE_HEADERS_BYTES:
            raise BadData(
                f"more than {MAX_PAGES:,} pages, or than {MAX_PAGE_HEADERS_BYTES:,} bytes of their headers; "
                "expected fewer and larger pages. Write the file again."
            )
        self.dictionary_bytes += page.bytes if chunk.is_dictionary and not page.is_places else 0
        if self.dictionary_bytes > MAX_DICTIONARY_BYTES:
            raise BadData(
                f"column {chunk.column} is a dictionary whose values have more than {MAX_DICTIONARY_BYTES:,} bytes; "
                "expected few values, each many times. Write the column as plain text."
            )


def check_places(size: int, chunks: Collection[Chunk]) -> None:
    """Raises BadData unless each lies in the file, by itself: a small file must not be read a thousand times."""
    last = 0
    for chunk in sorted(chunks):
        if chunk.is_unread and 0 <= chunk.end - chunk.start <= PAGE_OVERHEAD:
            continue
        where = f"column {chunk.column} lies at bytes {chunk.start:,} to {chunk.end:,}"
        if not 0 <= chunk.start <= chunk.end <= size:
            raise BadData(f"{where} of a file of {size:,}. {AGAIN}")
        if chunk.start < min(last, chunk.end):
            raise BadData(f"{where}, where another one is, or itself in another row group. {AGAIN}")
        last = max(last, chunk.end)


def check(file: BinaryIO, chunk: Chunk, rows: int, taken: Taken) -> int:
    """Goes through the pages of a column in a row group of so many rows.

    Returns:
        The size of the largest, bytes.

    Raises:
        BadData: a page is damaged or too large, a limit is exceeded, or the values are not as many as the rows.
    """
    largest = values = 0
    for page in () if chunk.is_unread else _pages(file, chunk, rows):
        taken.add(page, chunk)
        largest, values = max(largest, page.bytes), values + page.values
    if not values == chunk.values == rows:
        raise BadData(
            f"column {chunk.column} has {values:,} values in its pages, and {chunk.values:,} by the footer; "
            f"expected {rows:,}, as its row group has rows. {AGAIN}"
        )
    return largest


def _pages(file: BinaryIO, chunk: Chunk, rows: int) -> Iterator[Page]:
    at = chunk.start
    while at < chunk.end:
        file.seek(at)
        try:
            header, header_bytes = compact.struct(file.read(min(MAX_PAGE_HEADER_BYTES, chunk.end - at)))
            page = _page(header, header_bytes, rows, chunk.value_bytes)
            if _has_lengths(header, chunk):
                file.seek(at + header_bytes)
                _check_lengths(file.read(min(header[COMPRESSED], chunk.end - at)), header, chunk)
        except (*compact.DAMAGE, IndexError) as error:
            raise BadData(f"column {chunk.column}, a page at byte {at:,}: {error}. {AGAIN}") from error
        yield page
        at += header_bytes + header[COMPRESSED]


def _page(header: dict, header_bytes: int, rows: int, value_bytes: int) -> Page:
    """Raises Malformed, KeyError, TypeError."""
    size = header[UNCOMPRESSED]
    if min(size, header[COMPRESSED]) < 0:
        raise compact.Malformed("it has a negative size")
    if header[TYPE] not in FIELDS:  # an index, which Arrow leaves out
        return Page(size, 0, False, header_bytes)
    field, encoding = FIELDS[header[TYPE]]
    values = header[field][VALUES]
    # A dictionary may be larger: Arrow writes all of a pandas column's categories into each row group.
    if not 0 <= values <= (max(rows, MAX_DICTIONARY_VALUES) if header[TYPE] == DICTIONARY else rows):
        raise compact.Malformed(f"it has {values:,} values, and its row group {rows:,} rows")
    # Else a short page, being compressed, could hold any length of text.
    if size > values * (value_bytes + VALUE_OVERHEAD) + PAGE_OVERHEAD:
        raise compact.Malformed(f"it has {values:,} values of {size:,} bytes; at most {value_bytes:,} bytes a value are read")
    is_data = header[TYPE] != DICTIONARY
    return Page(size, values if is_data else 0, is_data and header[field][encoding] in PLACES, header_bytes)


def _has_lengths(header: dict, chunk: Chunk) -> bool:
    """Whether Arrow would make room for texts by what is within the page."""
    if header[TYPE] == DICTIONARY:
        return chunk.is_text
    field, encoding = FIELDS.get(header[TYPE], (0, 0))
    return bool(field) and header[field][encoding] in (texts.DELTA_LENGTH_BYTE_ARRAY, texts.DELTA_BYTE_ARRAY)


def _check_lengths(page: bytes, header: dict, chunk: Chunk) -> None:
    """Raises Malformed, KeyError, IndexError if a text is too long, or there are more than the header says."""
    field, encoding = FIELDS[header[TYPE]]
    declared, size, levels = header[field], header[UNCOMPRESSED], 0
    if header[TYPE] == DATA_V2:  # the levels stand before what is compressed
        before = sum(declared[level] for level in LEVELS)
        if not 0 <= before <= min(size, len(page)):
            raise compact.Malformed(f"it has levels of {before:,} bytes")
        page, size = page[before:], size - before
    is_compressed = header[TYPE] != DATA_V2 or declared.get(IS_COMPRESSED, True)
    values = texts.inflated(page, chunk.codec, size) if is_compressed else page
    if header[TYPE] == DATA and chunk.may_be_missing:
        levels = LEVEL_BYTES + int.from_bytes(values[:LEVEL_BYTES], "little")
    if header[TYPE] == DICTIONARY:
        found = texts.longest_of_dictionary(values, declared[VALUES])
    else:
        found = texts.longest(values[levels:], declared[encoding], declared[VALUES])
    if found > LONGER * chunk.value_bytes:
        raise compact.Malformed(f"it has a text of {found:,} bytes; at most {chunk.value_bytes:,} are read")
