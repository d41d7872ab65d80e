"""Files that each common writer really wrote (see `write_files.py`), and the same rows come of each."""

import datetime
from pathlib import Path

import pytest

from components.span_example_gen import reader

FILES = sorted(Path(__file__).with_name("written").iterdir())
COLUMNS = {"carrier": "string", "engines": "int64", "temp": "float32", "late": "int64"}
ROWS = [
    ("UA", 2, 30.5, 1, datetime.date(2013, 2, 1)),
    ("NA", None, None, 0, datetime.date(2013, 2, 2)),
    (None, 4, -0.25, 1, datetime.date(2013, 2, 3)),
    ("a, b", 1, 1e7, 0, datetime.date(2013, 2, 4)),
    ("Ü", 2, 28.0, 1, datetime.date(2013, 2, 5)),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_same_rows_come_of_each_writers_file(path):
    missing = ["NULL"] if path.name == "polars-tabs.csv" else []
    read = [tuple(row.values()) for batch in reader.read(path, COLUMNS, "date", missing=missing) for row in batch.to_pylist()]
    assert read == ([] if "without" in path.name else ROWS)


def test_each_writer_is_there():
    writers = {path.name.partition(".")[0].partition("-")[0] for path in FILES}
    assert writers == {"pandas", "fastparquet", "pyarrow", "polars", "duckdb", "spark", "as"}
