"""Pages of texts whose lengths are encoded: what pyarrow writes is measured, and what lies is refused before Arrow reads it."""

import pyarrow as pa
import pyarrow.parquet
import pytest

from components.shared.errors import BadData
from components.span_example_gen import compact, reader, texts

COLUMNS, DATE = {"carrier": "string", "engines": "int64", "temp": "float32"}, "date"
ROWS = 3_000
CARRIERS = [f"carrier {number % 700}" if number % 7 else None for number in range(ROWS)]
TABLE = pa.table(
    {
        "carrier": CARRIERS,
        "engines": [number * (-1) ** number for number in range(ROWS)],
        "temp": [number / 8 for number in range(ROWS)],
        DATE: ["2013-02-01"] * ROWS,
    }
)


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_each_encoding_is_read(tmp_path, encoding, version, compression):
    """As Spark's writer of the second version and Athena choose them."""
    pa.parquet.write_table(
        TABLE,
        tmp_path / "flights.parquet",
        use_dictionary=False,
        data_page_version=version,
        data_page_size=5_000,
        compression=compression,
        column_encoding={"carrier": encoding, DATE: encoding, "engines": "DELTA_BINARY_PACKED", "temp": "BYTE_STREAM_SPLIT"},
    )
    read = pa.Table.from_batches(reader.read(tmp_path / "flights.parquet", COLUMNS, DATE))
    assert read["carrier"].to_pylist() == CARRIERS
    assert read["engines"].to_pylist() == TABLE["engines"].to_pylist()
    assert read["temp"].to_pylist() == TABLE["temp"].to_pylist()


def header(block: int, blocks: int, count: int, first: int = 0) -> bytes:
    """How DELTA_BINARY_PACKED begins."""
    out = b""
    for number in (block, blocks, count, first << 1):
        left = number
        while left >= 128:
            out += bytes([left & 127 | 128])
            left >>= 7
        out += bytes([left])
    return out


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (header(128, 4, 2**31), "it has 2,147,483,648 texts; expected at most 10"),
        (header(1 << 31, 1, 10), "it has blocks of 2,147,483,648 numbers in 1 parts"),
        (header(128, 4, 10) + b"\0", "ends too early"),
        (header(128, 4, 10) + b"\0\xff\0\0\0", "ends too early"),
    ],
)
def test_a_page_that_would_make_arrow_take_gigabytes_is_refused(page, message):
    """Arrow makes room for as many lengths as a page says that it has."""
    with pytest.raises(compact.Malformed, match=message):
        texts.longest(page, texts.DELTA_LENGTH_BYTE_ARRAY, 10)


def test_a_text_that_grows_within_a_page_is_measured(tmp_path):
    """Ends of one byte each, and starts that are the whole of the text before: 2 bytes a text, and texts of up to 3,000."""
    grown = ["A" * number for number in range(ROWS)]
    pa.parquet.write_table(
        TABLE.set_column(0, "carrier", [grown]),
        tmp_path / "flights.parquet",
        use_dictionary=False,
        column_encoding={"carrier": "DELTA_BYTE_ARRAY"},
    )
    assert (tmp_path / "flights.parquet").stat().st_size < 100_000
    with pytest.raises(BadData, match=r"column carrier, a page at byte 4: it has a text of 2,999 bytes; at most 256 are read"):
        list(reader.read(tmp_path / "flights.parquet", COLUMNS, DATE))


def test_hadoops_frames_of_lz4_are_inflated():
    content = b"carrier" * 1000
    parts = [content[:4000], content[4000:]]
    codec = pa.Codec("lz4_raw")
    frames = b""
    for part in parts:
        packed = codec.compress(part, asbytes=True)
        frames += len(part).to_bytes(4, "big") + len(packed).to_bytes(4, "big") + packed
    assert texts.inflated(frames, texts.HADOOP_LZ4, len(content)) == content
    with pytest.raises(compact.Malformed, match="its parts are larger than it"):
        texts.inflated(frames, texts.HADOOP_LZ4, 4000)
