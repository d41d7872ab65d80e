"""How long the texts of a Parquet page are, before Arrow makes room for them: a short page can hold any length.

In DELTA_BYTE_ARRAY each text repeats the start of the one before it, and a page of a kilobyte grows to gigabytes; in a
dictionary one long text may stand in each row. Arrow also believes how many lengths a page says that it has.
The encodings are those of https://github.com/apache/parquet-format/blob/master/Encodings.md
"""

import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from components.span_example_gen import compact

DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY = 6, 7
HADOOP_LZ4 = "UNKNOWN"  # is what pyarrow calls it
CODECS = {"SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "ZSTD": "zstd", "LZ4": "lz4_raw", HADOOP_LZ4: "lz4_raw"}
LENGTH_BYTES = 4


def inflated(page: bytes, codec: str, size: int) -> bytes:
    """Raises Malformed if it has another size, or is compressed by what pyarrow does not offer."""
    if codec == "UNCOMPRESSED":
        return page
    if codec not in CODECS:
        raise compact.Malformed(f"it is compressed with {codec}; expected one of {', '.join(CODECS)}")
    try:
        if codec == HADOOP_LZ4:
            return b"".join(_hadoop_frames(page, size))
        return pa.Codec(CODECS[codec]).decompress(page, size, asbytes=True)
    except (pa.ArrowException, OSError, struct.error) as error:
        raise compact.Malformed(f"it cannot be decompressed: {error}") from error


def _hadoop_frames(page: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at < len(page):
        inflated_bytes, frame_bytes = struct.unpack_from(">II", page, at)
        at += 2 * LENGTH_BYTES
        size -= inflated_bytes
        if size < 0:
            raise compact.Malformed("its parts are larger than it")
        yield pa.Codec("lz4_raw").decompress(page[at : at + frame_bytes], inflated_bytes, asbytes=True)
        at += frame_bytes


def longest(values: bytes, encoding: int, most: int) -> int:
    """The length of the longest text of a page, in bytes.

    Args:
        values: of the page, inflated, without levels.
        encoding: DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY.
        most: how many there may be.

    Raises:
        Malformed, IndexError: there are more, or the page ends within them.
    """
    if encoding == DELTA_BYTE_ARRAY:
        prefixes, at = lengths(values, 0, most)
        suffixes, _ = lengths(values, at, most)
        if len(prefixes) != len(suffixes):
            raise compact.Malformed(f"it has {len(prefixes):,} starts of texts, and {len(suffixes):,} ends")
        return int((prefixes + suffixes).max(initial=0))
    return int(lengths(values, 0, most)[0].max(initial=0))


def longest_of_dictionary(values: bytes, count: int) -> int:
    """As `longest`, of a page that is a dictionary: each text after its length."""
    at = found = 0
    for _ in range(count):
        if at + LENGTH_BYTES > len(values):
            raise compact.Malformed("ends too early")
        (length,) = struct.unpack_from("<I", values, at)
        found, at = max(found, length), at + LENGTH_BYTES + length
    return found


def lengths(data: bytes, at: int, most: int) -> tuple[np.ndarray, int]:
    """Numbers that are encoded as DELTA_BINARY_PACKED, int64, and where they end. Raises as `longest`."""
    block, at = compact.varint(data, at)
    blocks, at = compact.varint(data, at)
    count, at = compact.varint(data, at)
    value, at = compact.integer(data, at, compact.I64)
    if count > most:
        raise compact.Malformed(f"it has {count:,} texts; expected at most {most:,}")
    if not blocks or block % 128 or block // blocks % 32 or not 0 < block <= 1 << 16:
        raise compact.Malformed(f"it has blocks of {block:,} numbers in {blocks:,} parts")
    size, deltas, left = block // blocks, [], count - 1
    while left > 0:
        least, at = compact.integer(data, at, compact.I64)
        widths, at = data[at : at + blocks], at + blocks
        for width in widths:
            if left <= 0:
                break
            end = at + size * width // 8
            if width > compact.BITS[compact.I64] or end > len(data):
                raise compact.Malformed("ends too early")
            bits = np.unpackbits(np.frombuffer(data[at:end], np.uint8), bitorder="little").reshape(size, width)
            deltas.append((least + bits @ (1 << np.arange(width, dtype=np.int64)))[:left])
            left, at = left - size, end
        if len(widths) < blocks:
            raise compact.Malformed("ends too early")
    numbers = np.cumsum(np.concatenate([[value], *deltas]).astype(np.int64))[:count]
    if len(numbers) and numbers.min() < 0:
        raise compact.Malformed("it has a text of a negative length")
    return numbers, at
