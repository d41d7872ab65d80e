"""Rows of files as columns: what would move, fill up or change a value is refused."""

import numpy as np
import pytest

from components.shared.errors import BadData, OtherColumns
from serving import rows

INPUTS = {"shop": "DT_STRING", "distance": "DT_FLOAT", "gift": "DT_INT64"}
HEADER = "shop,distance,gift\n"


def read(folder, text: str):
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return rows.from_csv(folder / "rows.csv", INPUTS)


def test_a_csv_file_is_read_as_it_is_written(tmp_path):
    found = rows.columns(read(tmp_path, HEADER + '"a ""b"", c",229.5,1\n\nNA,,0\n'), INPUTS)
    assert found["shop"].tolist() == ['a "b", c', "NA"]
    np.testing.assert_array_equal(found["distance"], np.array([229.5, np.nan], "float32"))
    assert found["gift"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "books,229,1,\nB6,187,0,\n", r"line 2: 4 cells; expected 3, as in the header"),
        (HEADER + "books,229,1\nB6,187\n", r"line 3: 2 cells; expected 3"),
        (HEADER + '"books\n",229,1\nB6,187\n', r"line 4: 2 cells; expected 3"),
        ("shop,distance,distance,gift\nUA,1,2,0\n", r"line 1: column distance is there more than once"),
        (HEADER + 'books,229,"1\n', r"line 2: .*a quote that is never closed"),
        ("", r"Empty CSV file"),
    ],
)
def test_cells_that_do_not_fit_the_header_are_refused(tmp_path, text, message):
    with pytest.raises(BadData, match=rf"rows\.csv.*{message}"):
        read(tmp_path, text)


@pytest.mark.parametrize("distance", [1e300, -1e39, 10**400])
def test_a_number_that_would_become_infinite_is_refused(distance):
    with pytest.raises(BadData, match=r"row 2: distance is -?1[e0].*; expected float\."):
        rows.columns([{"shop": "books", "distance": value, "gift": 0} for value in (229.0, distance)], INPUTS)


def test_infinity_itself_is_a_number():
    found = rows.columns([{"shop": "books", "distance": float("inf"), "gift": 0}], INPUTS)
    assert np.isposinf(found["distance"]).all()


def test_rows_are_read_as_those_that_a_model_learns_from(tmp_path):
    """One code reads both: categories that are called NA, booleans, decimal commas, and what the problem calls missing."""
    text = "shop;distance;gift;note\r\nNA;229,5;True;a\r\n\\N;#N/A;0.0;\r\n"
    (tmp_path / "rows.csv").write_bytes(text.encode("utf-8-sig"))
    frame = rows.from_csv(tmp_path / "rows.csv", INPUTS, ["\\N"])
    found = rows.columns(frame, INPUTS)
    assert found["shop"].tolist() == ["NA", ""]
    np.testing.assert_array_equal(found["distance"], np.array([229.5, np.nan], "float32"))
    assert found["gift"].tolist() == [1, 0]
    assert frame["note"].tolist() == ["a", None]


def test_rows_of_other_columns_are_refused_with_those_that_are_expected(tmp_path):
    frame = read(tmp_path, "Shop,distance,gift\nbooks,229,1\n")
    with pytest.raises(OtherColumns, match=r"The rows have no column shop\. Expected shop, distance, gift\.") as refused:
        rows.columns(frame, INPUTS)
    assert (refused.value.inputs, refused.value.title) == (INPUTS, "BadData")
    with pytest.raises(OtherColumns, match="row 1: Shop is not an input"):
        rows.columns([{"Shop": "books"}], INPUTS)


def test_a_cell_of_another_type_is_named_with_its_line(tmp_path):
    with pytest.raises(BadData, match=r"rows\.csv, line 3: column distance is 'far'; expected a number such as 1\.5\."):
        read(tmp_path, HEADER + "books,229,1\nB6,far,0\n")
