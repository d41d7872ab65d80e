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
            r"shop has a shape, expected value_count \{ min: 1 max: 1 \} in its place",
        ),
        ("value_count {\n    min: 1\n    max: 1\n", "value_count {\n    min: 1\n", "shop may have several values"),
        (
            'domain: "country"',
            "int_domain { min: 1 max: 3 }",
            "country has int_domain, which does not fit BYTES: expected domain",
        ),
        ('domain: "country"', 'domain: "land"', 'country has the domain "land", which the schema lacks'),
        (
            "float_domain {\n    min: 0.0\n    max: 1000.0",
            "float_domain {\n    min: 9.0\n    max: 1.0",
            "distance has a float_domain",
        ),
        (
            "float_domain {\n    min: 0.0\n    max: 1000.0\n  }",
            "bool_domain {}",
            "has bool_domain, which does not fit FLOAT: expected float_domain",
        ),
        (
            "min_fraction: 1.0",
            "min_fraction: 0.9",
            r"shop may be missing by its presence \(min_fraction 0.9\), and is not declared optional: .*optional = true",
        ),
        ("min_fraction: 1.0", "", r"shop may be missing by its presence \(min_fraction 0\)"),
        ('name: "shop"\n', 'name: "shop" lifecycle_stage: DEPRECATED\n', "shop is DEPRECATED, which TFX leaves out"),
        ('name: "shop"\n', 'name: "country"\n', "shop is declared but has no entry; country has two entries"),
        ("feature {", 'tensor_representation_group { key: "" }\nfeature {', "tensor_representation_group  is not expected"),
        (
            "type: FLOAT",
            "type: FLOAT drift_comparator { infinity_norm { threshold: 0.1 } }",
            r"schema\.pbtxt: distance is numeric and has drift_comparator.infinity_norm",
        ),
    ],
)
def test_a_schema_that_does_not_fit_is_refused(reviewed, tmp_path, old, new, message):
    text = reviewed.read_text()
    assert old in text, text
    (tmp_path / "schema.pbtxt").write_text(text.replace(old, new, 1))
    with pytest.raises(BadConfig, match=message):
        schema.check_reviewed(tmp_path / "schema.pbtxt", neutral.PROBLEM)


def test_a_missing_schema_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none\.pbtxt is not a readable schema"):
        schema.check_reviewed(tmp_path / "none.pbtxt", neutral.PROBLEM)
