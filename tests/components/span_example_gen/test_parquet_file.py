"""Parquet files in each encoding and compression, and texts that are longer than their pages."""

import pyarrow as pa
import pyarrow.parquet
import pytest

from components.shared.errors import BadData
from components.span_example_gen import reader

COLUMNS, DATE = {"country": "string", "items": "int64", "weight": "float32"}, "date"
ROWS = 3_000
COUNTRIES = [f"country {number % 700}" if number % 7 else None for number in range(ROWS)]
TABLE = pa.table(
    {
        "country": COUNTRIES,
        "items": [number * (-1) ** number for number in range(ROWS)],
        "weight": [number / 8 for number in range(ROWS)],
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
        tmp_path / "parcels.parquet",
        use_dictionary=False,
        data_page_version=version,
        data_page_size=5_000,
        compression=compression,
        column_encoding={"country": encoding, DATE: encoding, "items": "DELTA_BINARY_PACKED", "weight": "BYTE_STREAM_SPLIT"},
    )
    read = pa.Table.from_batches(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))
    assert read["country"].to_pylist() == COUNTRIES
    assert read["items"].to_pylist() == TABLE["items"].to_pylist()
    assert read["weight"].to_pylist() == TABLE["weight"].to_pylist()


def test_a_text_that_grows_within_a_page_is_measured(tmp_path):
    """Ends of one byte each, and starts that are the whole of the text before: 2 bytes a text, and texts of up to 3,000."""
    grown = ["A" * number for number in range(ROWS)]
    pa.parquet.write_table(
        TABLE.set_column(0, "country", [grown]),
        tmp_path / "parcels.parquet",
        use_dictionary=False,
        column_encoding={"country": "DELTA_BYTE_ARRAY"},
    )
    assert (tmp_path / "parcels.parquet").stat().st_size < 100_000
    with pytest.raises(BadData, match="column country is a text of 2,999 bytes; expected at most 256"):
        list(reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE))
