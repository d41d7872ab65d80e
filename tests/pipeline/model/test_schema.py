from pathlib import Path

import pytest

from components.shared.errors import BadConfig
from pipeline.model import schema
from tests.flights import PROBLEM

REVIEWED = Path("data/flights/schema.pbtxt")


def test_the_reviewed_schema_fits_the_features():
    schema.check(REVIEWED, PROBLEM)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'name: "dest"\n  value_count',
            'name: "destination"\n  value_count',
            "dest is declared but has no entry; destination has an entry",
        ),
        ("type: INT\n  int_domain", "type: FLOAT\n  int_domain", "holiday is FLOAT, declared as INT"),
        ("feature {", "feature [", "is not a readable schema"),
        (
            "value_count {\n    min: 1\n    max: 1\n  }",
            "shape { dim { size: 1 } }",
            "states a shape for carrier; expected value_count",
        ),
    ],
)
def test_a_schema_that_does_not_fit_is_refused(tmp_path, old, new, message):
    text = REVIEWED.read_text()
    assert old in text
    (tmp_path / "schema.pbtxt").write_text(text.replace(old, new, 1))
    with pytest.raises(BadConfig, match=message):
        schema.check(tmp_path / "schema.pbtxt", PROBLEM)


def test_a_missing_schema_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none\.pbtxt is not a readable schema"):
        schema.check(tmp_path / "none.pbtxt", PROBLEM)
