"""Writes Parquet files that no library would: Thrift's compact protocol by hand, so that each declared number can be a lie."""

import gzip
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BYTE, I32, I64, BINARY, LIST, STRUCT = 3, 5, 6, 8, 9, 12
INT32, INT64, DOUBLE, BYTE_ARRAY = 1, 2, 5, 6  # Parquet's physical types
UTF8, DATE = 0, 6  # its converted types
PLAIN, RLE = 0, 3
UNCOMPRESSED, GZIP = 0, 2
VALUES = {  # of one row, by dtype: physical type, converted type, bytes
    "string": (BYTE_ARRAY, UTF8, struct.pack("<I", 2) + b"UA"),
    "float32": (DOUBLE, None, struct.pack("<d", 1.0)),
    "int64": (INT64, None, struct.pack("<q", 1)),
    "date": (INT32, DATE, struct.pack("<i", 15737)),  # 2013-02-01
}


@dataclass(frozen=True)
class Lies:
    """What a row group says of itself instead of the truth; None: the truth.

    Attributes:
        rows: in it.
        chunk_bytes: compressed size of each column.
        page_bytes: uncompressed size of each page.
        page_values: values of each page.
        encoding: of each page.
        zeros: bytes of zero at the end of each page, which then is compressed.
        values: how many some columns really have, by name; the others have two.
        header_bytes: of a field in the header of each page that Parquet does not know.
        is_again: its pages are those of the row group before it.
        file_rows: in the file; said by the first row group, as what follows.
        depth: of a nested column that is there too, in a file without rows.
        footer_bytes: length of the footer.
        name: of a column that is there too, in a file without rows.
    """

    rows: int | None = None
    chunk_bytes: int | None = None
    page_bytes: int | None = None
    page_values: int | None = None
    encoding: int = PLAIN
    zeros: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    header_bytes: int = 0
    is_again: bool = False
    file_rows: int | None = None
    depth: int = 0
    footer_bytes: int | None = None
    name: bytes | None = None


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def integer(number: int) -> bytes:
    return varint((number << 1) ^ (number >> 63))


def structure(fields: Mapping[int, tuple[int, Any]]) -> bytes:
    """Fields by number: a type, and a number, bytes, or an encoded list or structure."""
    out, last = b"", 0
    for number, (kind, value) in sorted(fields.items()):
        out += bytes([(number - last) << 4 | kind])
        last = number
        if kind == BINARY:
            out += varint(len(value)) + value
        else:
            out += integer(value) if isinstance(value, int) else value
    return out + b"\0"


def listed(kind: int, values: list[bytes]) -> bytes:
    return bytes([0xF0 | kind]) + varint(len(values)) + b"".join(values)


def parquet(columns: Mapping[str, str], *groups: Lies) -> bytes:
    """A file of row groups of two equal rows, a page for each two values of a column.

    Args:
        columns: name to dtype: "string", "float32", "int64" or "date".
        groups: what each row group says of itself.
    """
    data, described, chunks = b"PAR1", [], []
    for lies in groups:
        if not lies.is_again:
            data, chunks = _with_pages(data, columns, lies)
        rows = _or(lies.rows, 2)
        described.append(structure({1: (LIST, listed(STRUCT, chunks)), 2: (I64, len(data)), 3: (I64, rows)}))
    first = groups[0]
    if first.depth or first.name is not None:
        described = []
    fields = {
        1: (I32, 1),
        2: (LIST, listed(STRUCT, _schema(columns, first))),
        3: (I64, _or(first.file_rows, sum(_or(lies.rows, 2) for lies in groups))),
        4: (LIST, listed(STRUCT, described)),
    }
    footer = structure(fields)
    return data + footer + struct.pack("<I", _or(first.footer_bytes, len(footer))) + b"PAR1"


def _or(lie: int | None, truth: int) -> int:
    return truth if lie is None else lie


def _schema(columns: Mapping[str, str], lies: Lies) -> list[bytes]:
    schema = [structure({4: (BINARY, b"root"), 5: (I32, len(columns) + (lies.depth > 0) + (lies.name is not None))})]
    for name, dtype in columns.items():
        physical, converted, _ = VALUES[dtype]
        element = {1: (I32, physical), 3: (I32, 0), 4: (BINARY, name.encode())}
        schema.append(structure(element | ({} if converted is None else {6: (I32, converted)})))
    schema += [structure({3: (I32, 1), 4: (BINARY, b"a"), 5: (I32, 1)})] * lies.depth
    if lies.depth:
        schema.append(structure({1: (I32, INT32), 3: (I32, 1), 4: (BINARY, b"leaf")}))
    if lies.name is not None:
        schema.append(structure({1: (I32, INT32), 3: (I32, 1), 4: (BINARY, lies.name)}))
    return schema


def _page(value: bytes, values: int, lies: Lies) -> bytes:
    about = {1: (I32, _or(lies.page_values, values)), 2: (I32, lies.encoding), 3: (I32, RLE), 4: (I32, RLE)}
    plain = value * values + bytes(lies.zeros)
    content = gzip.compress(plain, 1) if lies.zeros else plain
    size = _or(lies.page_bytes, len(plain))
    header = {1: (I32, 0), 2: (I32, size), 3: (I32, len(content)), 5: (STRUCT, structure(about))}
    if lies.header_bytes:
        header[15] = (LIST, listed(BYTE, [b"\1"] * lies.header_bytes))
    return structure(header) + content


def _with_pages(data: bytes, columns: Mapping[str, str], lies: Lies) -> tuple[bytes, list[bytes]]:
    """The file with the pages of one more row group, and where its columns lie."""
    chunks = []
    for name, dtype in columns.items():
        physical, _, value = VALUES[dtype]
        count = lies.values.get(name, 2)
        start = len(data)
        for values in [2] * (count // 2) + [1] * (count % 2):
            data += _page(value, values, lies)
        length = _or(lies.chunk_bytes, len(data) - start)
        about = {
            1: (I32, physical),
            2: (LIST, listed(I32, [integer(lies.encoding)])),
            3: (LIST, listed(BINARY, [varint(len(name)) + name.encode()])),
            4: (I32, GZIP if lies.zeros else UNCOMPRESSED),
            5: (I64, count),
            6: (I64, length),
            7: (I64, length),
            9: (I64, start),
        }
        chunks.append(structure({2: (I64, start), 3: (STRUCT, structure(about))}))
    return data, chunks
