"""Rows of files as columns: what would move, fill up or change a value is refused."""

import numpy as np
import pytest

from components.errors import BadData
from serving import rows

INPUTS = {"carrier": "DT_STRING", "distance": "DT_FLOAT", "holiday": "DT_INT64"}
HEADER = "carrier,distance,holiday\n"


def read(folder, text: str):
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return rows.from_csv(folder / "rows.csv", INPUTS)


def test_a_csv_file_is_read_as_it_is_written(tmp_path):
    found = rows.columns(read(tmp_path, HEADER + '"a ""b"", c",229.5,1\n\nNA,,0\n'), INPUTS)
    assert found["carrier"].tolist() == ['a "b", c', "NA"]
    np.testing.assert_array_equal(found["distance"], np.array([229.5, np.nan], "float32"))
    assert found["holiday"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "UA,229,1,\nB6,187,0,\n", r"line 2: 4 cells; expected 3, as in the header"),
        (HEADER + "UA,229,1\nB6,187\n", r"line 3: 2 cells; expected 3"),
        (HEADER + '"UA\n",229,1\nB6,187\n', r"line 4: 2 cells; expected 3"),
        ("carrier,distance,distance,holiday\nUA,1,2,0\n", r"line 1: column distance is there more than once"),
        (HEADER + 'UA,229,"1\n', r"cannot be read as CSV"),
        ("", r"cannot be read as CSV"),
    ],
)
def test_cells_that_do_not_fit_the_header_are_refused(tmp_path, text, message):
    with pytest.raises(BadData, match=rf"rows\.csv.*{message}"):
        read(tmp_path, text)


@pytest.mark.parametrize("distance", [1e300, -1e39, 10**400])
def test_a_number_that_would_become_infinite_is_refused(distance):
    with pytest.raises(BadData, match=r"row 1: distance is -?1[e0].*; expected float\."):
        rows.columns([{"carrier": "UA", "distance": value, "holiday": 0} for value in (229.0, distance)], INPUTS)


def test_infinity_itself_is_a_number():
    found = rows.columns([{"carrier": "UA", "distance": float("inf"), "holiday": 0}], INPUTS)
    assert np.isposinf(found["distance"]).all()
