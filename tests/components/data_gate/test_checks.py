"""On anomalies that TFDV itself finds in made rows against a reviewed schema."""

import pandas as pd
import pytest
import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)

import tensorflow_data_validation as tfdv  # isort: skip
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.data_gate import checks
from components.shared import data_findings
from components.shared.target import Target
from tests import neutral
from tests.neutral import COLUMNS, LABEL


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    return neutral.schema(neutral.PROBLEM)


@pytest.fixture(scope="module")
def parcels():
    """12,000 rows, with the declared dtypes, as SpanExampleGen reads them."""
    dtypes = {name: dtype for name, dtype in COLUMNS.items() if dtype != "string"}
    return neutral.rows(each=4000)[list(COLUMNS)].astype(dtypes)


def statistics(parcels):
    return tfdv.generate_statistics_from_dataframe(parcels)


def findings(parcels, schema):
    return checks.anomalies("train", tfdv.validate_statistics(statistics(parcels), schema), schema)


def test_rows_fit_the_reviewed_schema(parcels, schema):
    assert findings(parcels, schema) == []


def test_unknown_category(parcels, schema):
    [finding] = findings(parcels.assign(shop="spoons"), schema)
    assert (finding.feature, finding.severity, finding.split) == ("shop", "error", "train")
    assert "spoons" in finding.measure
    assert "at least 100.0% of rows with a value of domain shop" in finding.limit
    assert str(finding).startswith("train split, shop: ")


def test_value_out_of_range(parcels, schema):
    [finding] = findings(parcels.assign(distance=4000.0), schema)
    assert finding.feature == "distance"
    assert "4000" in finding.measure
    assert "from 0 to 1000" in finding.limit


def test_vanished_values(parcels, schema):
    [finding] = findings(parcels.assign(price=parcels.price.where(parcels.index % 3 == 0)), schema)
    assert finding.feature == "price"
    assert "0.3" in finding.measure
    assert finding.limit == "FLOAT, in at least 50.0% of rows, from 0 to 1000"


@pytest.mark.parametrize(("end", "words"), [("min", "from 10"), ("max", "to 10")])
def test_a_range_with_one_end(parcels, end, words):
    feature = schema_pb2.Feature(name="distance", type=schema_pb2.FLOAT)
    setattr(feature.float_domain, end, 10)
    [finding] = findings(
        parcels[["distance"]].assign(distance=0.0 if end == "min" else 40.0), schema_pb2.Schema(feature=[feature])
    )
    assert finding.limit == f"FLOAT, {words}"


def test_a_domain_of_the_features_own(parcels):
    feature = schema_pb2.Feature(name="shop", type=schema_pb2.BYTES, string_domain=schema_pb2.StringDomain(value=["toys"]))
    feature.distribution_constraints.min_domain_mass = 1
    [finding] = findings(parcels[["shop"]].assign(shop="spoons"), schema_pb2.Schema(feature=[feature]))
    assert finding.limit == "BYTES, at least 100.0% of rows with a value of domain shop"


def test_an_anomaly_without_reasons_is_a_finding_too(schema):
    """Of several reasons, each is one."""
    found = anomalies_pb2.Anomalies()
    one = anomalies_pb2.AnomalyInfo(short_description="Odd", description=". It is odd. ", severity="WARNING")
    found.anomaly_info["price"].CopyFrom(one)
    for word in ("Low", "High"):
        found.anomaly_info["distance"].reason.add(short_description=word, description=f"{word}er than ever.")
    low, high, odd = checks.anomalies("eval", found, schema)
    assert (odd.anomaly, odd.severity) == ("Odd", "warning")
    assert [each.anomaly for each in (low, high)] == ["Low", "High"]
    assert str(odd) == f"eval split, price: Odd. Found: . It is odd. Expected: {odd.limit}."


def test_column_that_the_schema_does_not_know(parcels, schema):
    [finding] = findings(parcels.assign(mood=1), schema)
    assert finding.feature == "mood"
    assert finding.limit == "no such column; add it to the schema and to the features, or drop it from the data"


def limits(lowest: float, highest: float) -> dict[str, float]:
    return {"min_positive_share": lowest, "max_positive_share": highest}


@pytest.mark.parametrize(("returned", "found"), [(0, "0.00% of 12,000 rows"), (1, "100.00% of 12,000 rows")])
def test_labels_of_one_class(parcels, returned, found):
    dataset = statistics(parcels.assign(returned=returned)).datasets[0]
    [finding] = checks.label_shares("eval", dataset, neutral.TARGET, limits(0.02, 0.6))
    words = "share of positive labels out of range"
    limit = "2.00% to 60.00% (gate.min_positive_share, gate.max_positive_share)"
    assert finding == data_findings.Finding("eval", LABEL, words, found, limit, "error")


def test_a_share_at_a_limit_is_within_it(parcels):
    dataset = statistics(parcels).datasets[0]
    share = next(each.num_stats.mean for each in dataset.features if each.path.step[:] == [LABEL])
    assert checks.label_shares("train", dataset, neutral.TARGET, limits(share, 0.6)) == []
    assert checks.label_shares("train", dataset, neutral.TARGET, limits(0.02, share)) == []


KINDS = Target(label="kind", task_name="multiclass", classes=["new", "old", "rare"])


@pytest.mark.parametrize(
    ("split", "lowest", "may_be_absent", "expected"),
    [
        ("train", 0.0, [], ["Found: 0.00% of 12,000 rows. Expected: at least one row; or the class in gate.may_be_absent."]),
        ("train", 0.0, ["new"], []),
        ("eval", 0.0, [], []),
        ("eval", 0.1, [], []),
        (
            "train",
            0.001,
            ["new"],
            [
                "Found: 0.008% of 12,000 rows. "
                "Expected: at least 0.10%, gate.min_class_share; or the class in gate.may_be_absent."
            ],
        ),
        ("train", 0.001, ["new", "rare"], []),
    ],
)
def test_a_class_that_training_lacks(split, lowest, may_be_absent, expected):
    rows = pd.DataFrame({"kind": ["old"] * 11_999 + ["rare"]})
    dataset = tfdv.generate_statistics_from_dataframe(rows).datasets[0]
    found = checks.label_shares(split, dataset, KINDS, {"min_class_share": lowest}, may_be_absent)
    assert [str(each).partition("range. ")[2] for each in found] == expected


def test_usual_labels_pass(parcels):
    assert checks.label_shares("train", statistics(parcels).datasets[0], neutral.TARGET, limits(0.02, 0.6)) == []


def test_no_label_at_all(parcels):
    dataset = statistics(parcels.drop(columns=LABEL)).datasets[0]
    [finding] = checks.label_shares("train", dataset, neutral.TARGET, limits(0.02, 0.6))
    assert finding == data_findings.Finding(
        "train", LABEL, "label missing", "no label in any row", "a label in each row", "error"
    )
    assert str(finding) == "train split, returned: label missing. Found: no label in any row. Expected: a label in each row."


def test_rows_are_counted_against_the_limit(parcels):
    dataset = statistics(parcels).datasets[0]
    assert checks.row_count("train", dataset, 12_000) == []
    [finding] = checks.row_count("train", dataset, 12_001)
    assert finding == data_findings.Finding("train", "", "too few rows", "12,000", "at least 12,001 (gate.min_rows)", "error")
    assert str(finding) == "train split: too few rows. Found: 12,000. Expected: at least 12,001 (gate.min_rows)."
    assert str(data_findings.Finding("", "", "a", "b", "c", "error")).startswith("data: a. ")


def test_a_feature_that_turned_constant(parcels):
    assert checks.constant("train", statistics(parcels).datasets[0], ["gift"]) == []
    stuck = statistics(parcels.assign(price=72.0, shop="toys", gift=0)).datasets[0]
    found = {finding.feature: finding for finding in checks.constant("train", stuck, ["gift"])}
    assert set(found) == {"price", "shop"}
    assert str(found["price"]) == (
        "train split, price: constant. Found: 72 in each row that has a value. "
        "Expected: at least two values, or the feature in gate.may_be_constant."
    )
    assert found["shop"].measure.startswith("toys")
    assert {(each.split, each.severity) for each in found.values()} == {("train", "error")}


def test_more_categories_than_a_vocabulary_should_have(parcels):
    assert checks.categories("train", statistics(parcels).datasets[0], 10_000) == []
    numbered = statistics(parcels.assign(country=[f"land {number}" for number in range(len(parcels))])).datasets[0]
    [finding] = checks.categories("train", numbered, 10_000)
    assert (finding.feature, finding.measure, finding.severity) == ("country", "12,000", "error")
    assert (finding.split, finding.anomaly) == ("train", "too many categories")
    assert finding.limit == "at most 10,000 (gate.max_categories); ignore the column, or put its values into classes"
    exactly = [f"land {number % 10_000}" for number in range(len(parcels))]
    assert checks.categories("train", statistics(parcels.assign(country=exactly)).datasets[0], 10_000) == []


def test_what_the_data_say_is_shown_in_short_and_printable(parcels, schema):
    [unknown] = findings(parcels.assign(shop=[f"\x1b{number}" for number in range(len(parcels))]), schema)
    assert len(unknown.measure) < 400
    assert str(unknown).isprintable()


def test_a_feature_without_any_value_is_not_called_constant(parcels):
    empty = statistics(parcels.assign(price=float("nan"), shop=None)).datasets[0]
    assert checks.constant("train", empty, ["gift"]) == []


def test_repeated_rows_are_named_by_span():
    few = {"repeated": 2, "rows": 2000}
    assert checks.repeated_rows({"2013-01": few}, 0.001) == []
    [finding] = checks.repeated_rows({"2013-01": {"repeated": 1000, "rows": 2000}, "2013-02": few}, 0.001)
    found = "1,000 of its 2,000 rows (50.00%) repeat an earlier one"
    assert finding == data_findings.Finding(
        "", "", "repeated rows in 2013-01", found, "at most 0.10% (gate.max_repeated_share)", "error"
    )
