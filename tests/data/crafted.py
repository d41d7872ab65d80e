"""Writes Parquet files that no library would: Thrift's compact protocol by hand, so that each declared number can be a lie."""

import gzip
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
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
    """What a file says of itself instead of the truth; None: the truth.

    Attributes:
        rows: in the file and in its row group.
        chunk_bytes: compressed size of each column.
        page_bytes: uncompressed size of each page.
        page_values: values of each page.
        encoding: of each page.
        depth: of a nested column that is there too.
        footer_bytes: length of the footer.
        name: of a column that is there too.
        zeros: bytes of zero at the end of each page, which then is compressed.
    """

    rows: int | None = None
    chunk_bytes: int | None = None
    page_bytes: int | None = None
    page_values: int | None = None
    encoding: int = PLAIN
    depth: int = 0
    footer_bytes: int | None = None
    name: bytes | None = None
    zeros: int = 0


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


def parquet(columns: Mapping[str, str], lies: Lies) -> bytes:
    """A file of two equal rows, a page a column.

    Args:
        columns: name to dtype: "string", "float32", "int64" or "date".
        lies: what it says of itself.
    """
    data, chunks = b"PAR1", []
    root = structure({4: (BINARY, b"root"), 5: (I32, len(columns) + (lies.depth > 0) + (lies.name is not None))})
    schema = [root]
    for name, dtype in columns.items():
        physical, converted, value = VALUES[dtype]
        element = {1: (I32, physical), 3: (I32, 0), 4: (BINARY, name.encode())}
        schema.append(structure(element | ({} if converted is None else {6: (I32, converted)})))
        values = 2 if lies.page_values is None else lies.page_values
        page = structure({1: (I32, values), 2: (I32, lies.encoding), 3: (I32, RLE), 4: (I32, RLE)})
        size = len(value * 2) + lies.zeros
        content = gzip.compress(value * 2 + bytes(lies.zeros), 1) if lies.zeros else value * 2
        declared = size if lies.page_bytes is None else lies.page_bytes
        start = len(data)
        data += structure({1: (I32, 0), 2: (I32, declared), 3: (I32, len(content)), 5: (STRUCT, page)}) + content
        length = len(data) - start if lies.chunk_bytes is None else lies.chunk_bytes
        about = {
            1: (I32, physical),
            2: (LIST, listed(I32, [integer(lies.encoding)])),
            3: (LIST, listed(BINARY, [varint(len(name)) + name.encode()])),
            4: (I32, GZIP if lies.zeros else UNCOMPRESSED),
            5: (I64, 2 if lies.rows is None else lies.rows),
            6: (I64, length),
            7: (I64, length),
            9: (I64, start),
        }
        chunks.append(structure({2: (I64, start), 3: (STRUCT, structure(about))}))
    schema += [structure({3: (I32, 1), 4: (BINARY, b"a"), 5: (I32, 1)})] * lies.depth
    if lies.depth:
        schema.append(structure({1: (I32, INT32), 3: (I32, 1), 4: (BINARY, b"leaf")}))
    if lies.name is not None:
        schema.append(structure({1: (I32, INT32), 3: (I32, 1), 4: (BINARY, lies.name)}))
    rows = 2 if lies.rows is None else lies.rows
    group = structure({1: (LIST, listed(STRUCT, chunks)), 2: (I64, len(data)), 3: (I64, rows)})
    groups = [] if lies.depth or lies.name is not None else [group]
    footer = structure({1: (I32, 1), 2: (LIST, listed(STRUCT, schema)), 3: (I64, rows), 4: (LIST, listed(STRUCT, groups))})
    return data + footer + struct.pack("<I", len(footer) if lies.footer_bytes is None else lies.footer_bytes) + b"PAR1"
