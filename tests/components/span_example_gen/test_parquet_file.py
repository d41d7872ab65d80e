"""Parquet files in each encoding and compression, and texts that are longer than their pages."""

import pyarrow as pa
import pyarrow.parquet
import pytest

from components.shared.errors import BadData
from components.span_example_gen import reader

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
    with pytest.raises(BadData, match="column carrier is a text of 2,999 bytes; expected at most 256"):
        list(reader.read(tmp_path / "flights.parquet", COLUMNS, DATE))
