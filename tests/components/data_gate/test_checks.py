"""On anomalies that TFDV itself finds in real rows against the reviewed schema."""

import pytest
import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)

import tensorflow_data_validation as tfdv  # isort: skip
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.data_gate import checks
from components.shared import data_findings
from tests.flights import COLUMNS, LABEL


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    return tfdv.load_schema_text("data/flights/schema.pbtxt")


def as_read(flights):
    """With the declared dtypes, as SpanExampleGen reads them."""
    dtypes = {name: dtype for name, dtype in COLUMNS.items() if dtype != "string"}
    return flights[list(COLUMNS)].astype(dtypes).reset_index(drop=True)


@pytest.fixture
def flights(few_flights):
    return as_read(few_flights)


def statistics(flights):
    return tfdv.generate_statistics_from_dataframe(flights)


def findings(flights, schema):
    return checks.anomalies("train", tfdv.validate_statistics(statistics(flights), schema), schema)


def test_real_rows_fit_the_reviewed_schema(year, schema):
    labelled = year[year.late.notna()]
    assert findings(as_read(labelled.sample(50_000, random_state=1)), schema) == []


def test_unknown_category(flights, schema):
    [finding] = findings(flights.assign(origin="BOS"), schema)
    assert (finding.feature, finding.severity, finding.split) == ("origin", "error", "train")
    assert "BOS" in finding.measure
    assert "at least 100.0% of rows with a value of domain origin" in finding.limit
    assert str(finding).startswith("train split, origin: ")


def test_value_out_of_range(flights, schema):
    [finding] = findings(flights.assign(humid=400.0), schema)
    assert finding.feature == "humid"
    assert "400" in finding.measure
    assert "from 0 to 100" in finding.limit


def test_vanished_values(flights, schema):
    [finding] = findings(flights.assign(temp=flights.temp.where(flights.index % 3 == 0)), schema)
    assert finding.feature == "temp"
    assert "0.3" in finding.measure
    assert finding.limit == "FLOAT, in at least 85.0% of rows, from -40 to 130"


@pytest.mark.parametrize(("end", "words"), [("min", "from 10"), ("max", "to 10")])
def test_a_range_with_one_end(flights, end, words):
    feature = schema_pb2.Feature(name="humid", type=schema_pb2.FLOAT)
    setattr(feature.float_domain, end, 10)
    [finding] = findings(flights[["humid"]].assign(humid=0.0 if end == "min" else 40.0), schema_pb2.Schema(feature=[feature]))
    assert finding.limit == f"FLOAT, {words}"


def test_a_domain_of_the_features_own(flights):
    feature = schema_pb2.Feature(name="origin", type=schema_pb2.BYTES, string_domain=schema_pb2.StringDomain(value=["JFK"]))
    feature.distribution_constraints.min_domain_mass = 1
    [finding] = findings(flights[["origin"]].assign(origin="BOS"), schema_pb2.Schema(feature=[feature]))
    assert finding.limit == "BYTES, at least 100.0% of rows with a value of domain origin"


def test_an_anomaly_without_reasons_is_a_finding_too(schema):
    """Of several reasons, each is one."""
    found = anomalies_pb2.Anomalies()
    one = anomalies_pb2.AnomalyInfo(short_description="Odd", description=". It is odd. ", severity="WARNING")
    found.anomaly_info["temp"].CopyFrom(one)
    for word in ("Low", "High"):
        found.anomaly_info["humid"].reason.add(short_description=word, description=f"{word}er than ever.")
    low, high, odd = checks.anomalies("eval", found, schema)
    assert (odd.anomaly, odd.severity) == ("Odd", "warning")
    assert [each.anomaly for each in (low, high)] == ["Low", "High"]
    assert str(odd) == f"eval split, temp: Odd. Found: . It is odd. Expected: {odd.limit}."


def test_column_that_the_schema_does_not_know(flights, schema):
    [finding] = findings(flights.assign(mood=1), schema)
    assert finding.feature == "mood"
    assert finding.limit == "no such column; add it to the schema and to the features, or drop it from the data"


@pytest.mark.parametrize(("late", "found"), [(0, "0.00% of 12,000 rows"), (1, "100.00% of 12,000 rows")])
def test_labels_of_one_class(flights, late, found):
    dataset = statistics(flights.assign(late=late)).datasets[0]
    [finding] = checks.label_share("eval", dataset, LABEL, 0.02, 0.6)
    words = "share of positive labels out of range"
    limit = "2.00% to 60.00% (gate.min_positive_share, gate.max_positive_share)"
    assert finding == data_findings.Finding("eval", "late", words, found, limit, "error")


def test_a_share_at_a_limit_is_within_it(flights):
    dataset = statistics(flights).datasets[0]
    share = next(each.num_stats.mean for each in dataset.features if each.path.step[:] == [LABEL])
    assert checks.label_share("train", dataset, LABEL, share, 0.6) == []
    assert checks.label_share("train", dataset, LABEL, 0.02, share) == []


def test_real_labels_pass(flights):
    assert checks.label_share("train", statistics(flights).datasets[0], LABEL, 0.02, 0.6) == []


def test_no_label_at_all(flights):
    [finding] = checks.label_share("train", statistics(flights.drop(columns=LABEL)).datasets[0], LABEL, 0.02, 0.6)
    assert finding == data_findings.Finding(
        "train", "late", "label missing", "no label in any row", "a label in each row", "error"
    )
    assert str(finding) == "train split, late: label missing. Found: no label in any row. Expected: a label in each row."


def test_rows_are_counted_against_the_limit(flights):
    dataset = statistics(flights).datasets[0]
    assert checks.row_count("train", dataset, 12_000) == []
    [finding] = checks.row_count("train", dataset, 12_001)
    assert finding == data_findings.Finding("train", "", "too few rows", "12,000", "at least 12,001 (gate.min_rows)", "error")
    assert str(finding) == "train split: too few rows. Found: 12,000. Expected: at least 12,001 (gate.min_rows)."
    assert str(data_findings.Finding("", "", "a", "b", "c", "error")).startswith("data: a. ")


def test_a_feature_that_turned_constant(flights):
    assert checks.constant("train", statistics(flights).datasets[0], ["holiday"]) == []
    stuck = statistics(flights.assign(temp=72.0, carrier="UA", holiday=0)).datasets[0]
    found = {finding.feature: finding for finding in checks.constant("train", stuck, ["holiday"])}
    assert set(found) == {"temp", "carrier"}
    assert str(found["temp"]) == (
        "train split, temp: constant. Found: 72 in each row that has a value. "
        "Expected: at least two values, or the feature in gate.may_be_constant."
    )
    assert found["carrier"].measure.startswith("UA")
    assert {(each.split, each.severity) for each in found.values()} == {("train", "error")}


def test_more_categories_than_a_vocabulary_should_have(flights):
    assert checks.categories("train", statistics(flights).datasets[0]) == []
    numbered = statistics(flights.assign(dest=[f"flight {number}" for number in range(len(flights))])).datasets[0]
    [finding] = checks.categories("train", numbered)
    assert (finding.feature, finding.measure, finding.severity) == ("dest", "12,000", "error")
    assert (finding.split, finding.anomaly) == ("train", "too many categories")
    assert finding.limit == "at most 10,000; ignore the column, or put its values into classes"
    exactly = [f"flight {number % checks.MAX_CATEGORIES}" for number in range(len(flights))]
    assert checks.categories("train", statistics(flights.assign(dest=exactly)).datasets[0]) == []


def test_what_the_data_say_is_shown_in_short_and_printable(flights, schema):
    [unknown] = findings(flights.assign(origin=[f"\x1b{number}" for number in range(len(flights))]), schema)
    assert len(unknown.measure) < 400
    assert str(unknown).isprintable()


def test_a_feature_without_any_value_is_not_called_constant(flights):
    empty = statistics(flights.assign(temp=float("nan"), carrier=None)).datasets[0]
    assert checks.constant("train", empty, ["holiday"]) == []


def test_repeated_rows_are_named_by_span():
    few = {"repeated": 2, "rows": 2000}
    assert checks.repeated_rows({"2013-01": few}, 0.001) == []
    [finding] = checks.repeated_rows({"2013-01": {"repeated": 1000, "rows": 2000}, "2013-02": few}, 0.001)
    found = "1,000 of its 2,000 rows (50.00%) repeat an earlier one"
    assert finding == data_findings.Finding(
        "", "", "repeated rows in 2013-01", found, "at most 0.10% (gate.max_repeated_share)", "error"
    )
