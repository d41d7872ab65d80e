import pytest

from components.shared.errors import BadConfig
from pipeline.model import schema
from tests import neutral


@pytest.fixture
def reviewed(tmp_path):
    return neutral.write(tmp_path / "parcels", each=50) / "schema.pbtxt"


def test_a_reviewed_schema_fits_the_features(reviewed):
    schema.check_reviewed(reviewed, neutral.PROBLEM)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'name: "country"\n',
            'name: "land"\n',
            "country is declared but has no entry; land has an entry",
        ),
        ("type: INT\n  int_domain", "type: FLOAT\n  int_domain", "gift is FLOAT, declared as INT"),
        ("feature {", "feature [", "is not a readable schema"),
        (
            "value_count {\n    min: 1\n    max: 1\n  }",
            "shape { dim { size: 1 } }",
            "states a shape for shop; expected value_count",
        ),
    ],
)
def test_a_schema_that_does_not_fit_is_refused(reviewed, tmp_path, old, new, message):
    text = reviewed.read_text()
    assert old in text
    (tmp_path / "schema.pbtxt").write_text(text.replace(old, new, 1))
    with pytest.raises(BadConfig, match=message):
        schema.check_reviewed(tmp_path / "schema.pbtxt", neutral.PROBLEM)


def test_a_missing_schema_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none\.pbtxt is not a readable schema"):
        schema.check_reviewed(tmp_path / "none.pbtxt", neutral.PROBLEM)
