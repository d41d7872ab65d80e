import json

import pytest

from components.shared import json_rows
from components.shared.errors import BadData

ROW = {"shop": "toys", "price": None}


@pytest.mark.parametrize(
    ("content", "found"), [(ROW, [ROW]), ([ROW, {}], [ROW, {}]), ({"signature_name": "raw", "instances": [ROW]}, [ROW])]
)
def test_a_row_a_list_of_rows_and_a_requests_body_are_read(tmp_path, content, found):
    (tmp_path / "rows.json").write_text(json.dumps(content))
    assert json_rows.read(tmp_path / "rows.json") == found


@pytest.mark.parametrize("content", [[], 3, [3], [[ROW]], {"instances": []}, {"instances": ["text"]}])
def test_what_holds_no_rows_is_refused_with_what_is_expected(tmp_path, content):
    (tmp_path / "rows.json").write_text(json.dumps(content))
    with pytest.raises(
        BadData, match=r"rows\.json holds no rows\. Expected an object .* request of TensorFlow Serving's REST API"
    ):
        json_rows.read(tmp_path / "rows.json")
