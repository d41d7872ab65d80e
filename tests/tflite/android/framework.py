"""Android's own resources, in the encoding that Debian's aapt2 reads.

`android-all` of API 34 and newer stores short offsets (ResTable_type flag 2) and compact entries (entry flag 8), which
aapt2 of Android 10 takes for something else. Both are spelt out here; the layout is that of ResourceTypes.h in AOSP.
"""

import struct
import sys
import zipfile
from pathlib import Path

TABLE, PACKAGE, TYPE = 0x0002, 0x0200, 0x0201  # chunks; the first two hold others
SHORT_OFFSETS = 0x02
COMPLEX, COMPACT = 0x0001, 0x0008  # flags of an entry
NONE = 0xFFFFFFFF


def write(android_all: Path, framework: Path) -> None:
    """Writes the table and the manifest of `android_all`, a jar, to `framework`, for `aapt2 link -I`."""
    with zipfile.ZipFile(android_all) as source, zipfile.ZipFile(framework, "w") as target:
        target.writestr("resources.arsc", plain(source.read("resources.arsc")))
        target.writestr("AndroidManifest.xml", source.read("AndroidManifest.xml"))


def plain(chunk: bytes) -> bytes:
    """The chunk with every type below it in the older encoding."""
    kind, header, size = struct.unpack_from("<HHI", chunk)
    if kind == TYPE:
        return _type(chunk[:size])
    if kind not in (TABLE, PACKAGE):
        return chunk
    parts, at = [chunk[:header]], header
    while at < size:
        length = struct.unpack_from("<I", chunk, at + 4)[0]
        parts.append(plain(chunk[at : at + length]))
        at += length
    return _sized(b"".join(parts))


def _type(chunk: bytes) -> bytes:
    """A type with an offset of four bytes, or none, for each entry, and no compact entry."""
    header, flags, count, start = struct.unpack_from("<2xH5xB2xII", chunk)
    if flags & SHORT_OFFSETS:
        short = struct.unpack_from(f"<{count}H", chunk, header)
        pairs = [(index, offset * 4) for index, offset in enumerate(short) if offset != NONE & 0xFFFF]
    elif flags:  # sparse: only the entries that are there, each with its index
        sparse = struct.unpack_from(f"<{2 * count}H", chunk, header)
        pairs = [(index, offset * 4) for index, offset in zip(sparse[::2], sparse[1::2], strict=True)]
        count = max((index for index, _ in pairs), default=-1) + 1
    else:
        full = struct.unpack_from(f"<{count}I", chunk, header)
        pairs = [(index, offset) for index, offset in enumerate(full) if offset != NONE]
    offsets, entries, length = [NONE] * count, [], 0
    for index, offset in pairs:
        entries.append(_entry(chunk, start + offset))
        offsets[index] = length
        length += len(entries[-1])
    head = bytearray(chunk[:header])
    head[9] = 0
    struct.pack_into("<II", head, 12, count, header + 4 * count)
    return _sized(bytes(head) + struct.pack(f"<{count}I", *offsets) + b"".join(entries))


def _entry(chunk: bytes, at: int) -> bytes:
    first, flags, second = struct.unpack_from("<HHI", chunk, at)
    if flags & COMPACT:  # key, flags and type in one, value
        return struct.pack("<HHIHBBI", 8, flags & 0xFF & ~COMPACT, first, 8, 0, flags >> 8, second)
    if not flags & COMPLEX:
        return chunk[at : at + first + 8]
    pairs = struct.unpack_from("<I", chunk, at + 12)[0]
    return chunk[at : at + first + 12 * pairs]


def _sized(chunk: bytes) -> bytes:
    """The chunk with its new length in its header."""
    return chunk[:4] + struct.pack("<I", len(chunk)) + chunk[8:]


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
