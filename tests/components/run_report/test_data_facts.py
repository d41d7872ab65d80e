"""The artifacts of two real runs, as they are and after a gate has stopped one."""

from dataclasses import replace

import pytest
import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)

from components.data_gate import checks
from components.run_report import data_facts, histograms
from components.shared import data_findings, trace
from components.shared.trace import Artifact, Execution, Trace
from tests.flights import COLUMNS, FEATURES, LABEL

import tensorflow_data_validation as tfdv  # isort: skip

UNITS = {feature.name: feature.unit for feature in FEATURES}


@pytest.fixture(scope="module")
def traces(two_runs) -> list[Trace]:
    store = trace.open_store(two_runs.root / "metadata.db")
    return [trace.read(store, name) for name in trace.runs(store)[:2]]


def without(run: Trace, node: str) -> Trace:
    """The run in which the node failed."""
    failed = replace(run.executions[node], state="failed", outputs={})
    return Trace(run.run, {**run.executions, node: failed})


def with_output(run: Trace, node: str, key: str, folder) -> Trace:
    """The run in which the node left another folder."""
    made = Execution(node, "done", 0.0, 1.0, outputs={key: [Artifact(0, "", str(folder), {})]})
    return Trace(run.run, {**run.executions, node: made})


def test_rows_are_counted_by_split_and_by_month(traces, few_flights):
    first, second = (data_facts.data(run, UNITS, LABEL) for run in traces)
    assert first.window == ["2013-01", "2013-02", "2013-03"]
    assert second.rows_by_span == {"2013-02": 3000, "2013-03": 3000, "2013-04": 3000}
    held_out = int((few_flights.date >= "2013-04-21").sum())
    assert second.rows == {"train": 9000 - held_out, "eval": held_out}
    assert first.findings == second.findings == []


def test_every_feature_and_the_label_are_there_in_order(traces):
    found = data_facts.data(traces[1], UNITS, LABEL).features
    assert [each.name for each in found] == [*UNITS, LABEL]
    for each in found:
        bins = len(each.categories) if each.categories else len(each.edges) - 1
        assert (each.categories is None) == (COLUMNS[each.name] != "string")
        assert each.unit == UNITS.get(each.name, "")
        for split in (each.train, each.eval, each.reference):
            assert len(split.shares) == bins
            assert sum(split.shares) == pytest.approx(1, abs=1e-4)


def test_the_figures_are_those_of_the_rows(traces, few_flights):
    found = data_facts.data(traces[1], UNITS, LABEL)
    by_name = {each.name: each for each in found.features}
    april = few_flights[few_flights.date >= "2013-04-21"]
    gust = by_name["wind_gust"].eval
    assert gust.missing == pytest.approx(april.wind_gust.isna().mean(), abs=1e-9)
    assert gust.mean == pytest.approx(april.wind_gust.mean(), rel=1e-5)
    assert gust.rows == len(april)
    origin = by_name["origin"]
    expected = [(april.origin == name).mean() for name in origin.categories[:-1]]
    assert origin.eval.shares == pytest.approx([*expected, 0], abs=1e-6)
    assert by_name[LABEL].edges == [-0.5, 0.5, 1.5]
    assert by_name[LABEL].eval.shares[1] == pytest.approx(april[LABEL].mean(), abs=0.01)


def test_the_reference_is_what_production_was_trained_on(traces):
    first, second = (data_facts.data(run, UNITS, LABEL) for run in traces)
    assert {each.reference for each in first.features} == {None}
    assert {each.reference.rows for each in second.features} == {first.rows["train"]}
    temperature = {each.name: each for each in second.features}["temp"]
    assert temperature.reference.mean < temperature.train.mean < temperature.eval.mean  # winter, then spring


def test_nodes_that_did_not_end_well_leave_gaps(traces):
    assert data_facts.data(without(traces[1], "SpanExampleGen"), UNITS, LABEL) is None
    found = data_facts.data(without(traces[1], "ProductionModel"), UNITS, LABEL)
    assert {each.reference for each in found.features} == {None}
    found = data_facts.data(Trace("", {"SpanExampleGen": traces[1].executions["SpanExampleGen"]}), UNITS, LABEL)
    assert found.rows["train"] > 0
    assert (found.features, found.findings) == ([], [])


@pytest.fixture(scope="module")
def strange(traces, few_flights, tmp_path_factory) -> Trace:
    """A run whose flights all leave from an airport that no schema knows, and have lost a column: the gate stops it."""
    rows = few_flights[list(COLUMNS)].astype({name: dtype for name, dtype in COLUMNS.items() if dtype != "string"})
    made = tfdv.generate_statistics_from_dataframe(rows.assign(origin="<b>").drop(columns="temp").reset_index(drop=True))
    statistics, report = tmp_path_factory.mktemp("statistics"), tmp_path_factory.mktemp("report")
    schema = tfdv.load_schema_text("data/flights/schema.pbtxt")
    findings = []
    for split in data_facts.SPLITS:
        (statistics / f"Split-{split}").mkdir()
        (statistics / f"Split-{split}" / "FeatureStats.pb").write_bytes(made.SerializeToString())
        findings += checks.anomalies(split, tfdv.validate_statistics(made, schema), schema)
    data_findings.write(str(report), findings)
    run = with_output(traces[1], "StatisticsGen", "statistics", statistics)
    return without(with_output(run, "DataChecks", "report", report), "DataGate")


def test_findings_are_told_when_the_gate_has_stopped_the_run(strange):
    found = data_facts.data(strange, UNITS, LABEL).findings
    assert {(each.split, each.feature) for each in found} == {
        (split, feature) for split in ("train", "eval") for feature in ("origin", "temp")
    }
    [origin] = [each for each in found if (each.split, each.feature) == ("train", "origin")]
    assert origin.severity == "error"
    assert "<b>" in origin.text
    assert "Expected: BYTES, in at least 100.0% of rows" in origin.text


def test_what_was_found_twice_is_told_once(strange, tmp_path):
    data_findings.write(str(tmp_path), [data_findings.Finding("train", "origin", "Unexpected", "BOS.", "JFK", "warning")] * 2)
    [found] = data_facts.data(with_output(strange, "DataChecks", "report", tmp_path), UNITS, LABEL).findings
    assert found.text == "Unexpected. Found: BOS. Expected: JFK."


def test_a_column_that_was_lost_is_missing_in_every_row(strange):
    temperature = {each.name: each for each in data_facts.data(strange, UNITS, LABEL).features}["temp"]
    assert temperature.train.missing == temperature.eval.missing == 1
    assert temperature.train.mean is None
    assert set(temperature.train.shares) == {0.0}
    assert sum(temperature.reference.shares) == pytest.approx(1, abs=1e-4)


def test_a_new_origin_is_among_the_categories_and_an_old_one_among_the_others(strange):
    origin = {each.name: each for each in data_facts.data(strange, UNITS, LABEL).features}["origin"]
    assert origin.categories == ["<b>", histograms.OTHER]
    assert (origin.train.shares, origin.reference.shares) == ([1, 0], [0, 1])


def test_a_feature_that_changed_its_type_has_no_bins_in_common(traces, few_flights, tmp_path):
    made = tfdv.generate_statistics_from_dataframe(few_flights[["carrier"]].assign(temp="warm").reset_index(drop=True))
    for split in data_facts.SPLITS:
        (tmp_path / f"Split-{split}").mkdir()
        (tmp_path / f"Split-{split}" / "FeatureStats.pb").write_bytes(made.SerializeToString())
    run = with_output(traces[1], "StatisticsGen", "statistics", tmp_path)
    temperature = {each.name: each for each in data_facts.data(run, UNITS, LABEL).features}["temp"]
    assert temperature.categories == ["warm", "other"]
    assert temperature.train.shares == [1, 0]
    assert temperature.reference.shares == [0, 0]
    assert temperature.reference.missing < 0.1
