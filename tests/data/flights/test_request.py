"""The request that READMEs show is one row of what the model takes."""

import json

from conftest import REPOSITORY

from serving import rows
from tests.flights import FEATURES

DTYPES = {"string": "DT_STRING", "float32": "DT_FLOAT", "int64": "DT_INT64"}


def test_the_shown_request_has_every_feature():
    content = json.loads((REPOSITORY / "data/flights/request.json").read_text())
    (row,) = content["instances"]
    assert content["signature_name"] == "raw"
    assert set(row) == {feature.name for feature in FEATURES}
    assert len(rows.columns([row], {feature.name: DTYPES[feature.dtype] for feature in FEATURES})) == len(FEATURES)
