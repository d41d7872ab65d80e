"""The artifacts of two real runs, as they are and after a gate has stopped one."""

from dataclasses import replace

import pandas as pd
import pytest
import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)

from components.data_gate import checks
from components.run_report import data_facts, histograms
from components.shared import data_findings, trace
from components.shared.trace import Artifact, Execution, Trace
from tests import neutral
from tests.neutral import COLUMNS, DATE, FEATURES, LABEL, TARGET

import tensorflow_data_validation as tfdv  # isort: skip

UNITS = {feature.name: feature.unit for feature in FEATURES}


@pytest.fixture(scope="module")
def traces(parcel_runs) -> list[Trace]:
    store = trace.open_store(parcel_runs.root / "metadata.db")
    return [trace.read(store, name) for name in trace.runs(store)[:2]]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Of both runs, with their dates."""
    return neutral.rows()


def without(run: Trace, node: str) -> Trace:
    """The run in which the node failed."""
    failed = replace(run.executions[node], state="failed", outputs={})
    return Trace(run.run, {**run.executions, node: failed})


def with_output(run: Trace, node: str, key: str, folder) -> Trace:
    """The run in which the node left another folder."""
    made = Execution(node, "done", 0.0, 1.0, outputs={key: [Artifact(0, "", str(folder), {})]})
    return Trace(run.run, {**run.executions, node: made})


def test_rows_are_counted_by_split_and_by_month(traces, rows):
    first, second = (data_facts.data(run, UNITS, TARGET) for run in traces)
    assert first.window == ["2024-01", "2024-02"]
    assert second.rows_by_span == {"2024-02": 1000, "2024-03": 1000}
    held_out = int((rows[DATE] >= "2024-03-22").sum())
    assert second.rows == {"train": 2000 - held_out, "eval": held_out}
    assert first.findings == second.findings == []


def test_every_feature_and_the_label_are_there_in_order(traces):
    found = data_facts.data(traces[1], UNITS, TARGET).features
    assert [each.name for each in found] == [*UNITS, LABEL]
    for each in found:
        bins = len(each.categories) if each.categories else len(each.edges) - 1
        assert (each.categories is None) == (COLUMNS[each.name] != "string")
        assert each.unit == UNITS.get(each.name, "")
        for split in (each.train, each.eval, each.reference):
            assert len(split.shares) == bins
            assert sum(split.shares) == pytest.approx(1, abs=1e-4)


def test_the_figures_are_those_of_the_rows(traces, rows):
    found = data_facts.data(traces[1], UNITS, TARGET)
    by_name = {each.name: each for each in found.features}
    march = rows[rows[DATE] >= "2024-03-22"]
    price = by_name["price"].eval
    assert price.missing == pytest.approx(march.price.isna().mean(), abs=1e-9)
    assert price.mean == pytest.approx(march.price.mean(), rel=1e-5)
    assert price.rows == len(march)
    shop = by_name["shop"]
    expected = [(march.shop == name).mean() for name in shop.categories[:-1]]
    assert shop.eval.shares == pytest.approx([*expected, 0], abs=1e-6)
    assert by_name[LABEL].edges == [-0.5, 0.5, 1.5]
    assert by_name[LABEL].eval.shares[1] == pytest.approx(march[LABEL].mean(), abs=0.01)


def test_the_reference_is_what_production_was_trained_on(traces):
    first, second = (data_facts.data(run, UNITS, TARGET) for run in traces)
    assert {each.reference for each in first.features} == {None}
    assert {each.reference.rows for each in second.features} == {first.rows["train"]}
    share = {each.name: each for each in second.features}["shop_share"]
    assert share.reference.mean < share.train.mean < share.eval.mean  # more come back by the month


def test_nodes_that_did_not_end_well_leave_gaps(traces):
    assert data_facts.data(without(traces[1], "SpanExampleGen"), UNITS, TARGET) is None
    found = data_facts.data(without(traces[1], "ProductionModel"), UNITS, TARGET)
    assert {each.reference for each in found.features} == {None}
    found = data_facts.data(Trace("", {"SpanExampleGen": traces[1].executions["SpanExampleGen"]}), UNITS, TARGET)
    assert found.rows["train"] > 0
    assert (found.features, found.findings) == ([], [])


@pytest.fixture(scope="module")
def strange(traces, parcels, rows, tmp_path_factory) -> Trace:
    """A run whose parcels are all of a shop that no schema knows, and have lost a column: the gate stops it."""
    known = rows[list(COLUMNS)].astype({name: dtype for name, dtype in COLUMNS.items() if dtype != "string"})
    made = tfdv.generate_statistics_from_dataframe(known.assign(shop="<b>").drop(columns="weight").reset_index(drop=True))
    statistics, report = tmp_path_factory.mktemp("statistics"), tmp_path_factory.mktemp("report")
    schema = tfdv.load_schema_text(str(parcels / "schema.pbtxt"))
    findings = []
    for split in data_facts.SPLITS:
        (statistics / f"Split-{split}").mkdir()
        (statistics / f"Split-{split}" / "FeatureStats.pb").write_bytes(made.SerializeToString())
        findings += checks.anomalies(split, tfdv.validate_statistics(made, schema), schema)
    data_findings.write(str(report), findings)
    run = with_output(traces[1], "StatisticsGen", "statistics", statistics)
    return without(with_output(run, "DataChecks", "report", report), "DataGate")


def test_findings_are_told_when_the_gate_has_stopped_the_run(strange):
    found = data_facts.data(strange, UNITS, TARGET).findings
    assert {(each.split, each.feature) for each in found} == {
        (split, feature) for split in ("train", "eval") for feature in ("shop", "weight")
    }
    [shop] = [each for each in found if (each.split, each.feature) == ("train", "shop")]
    assert shop.severity == "error"
    assert "<b>" in shop.text
    assert "Expected: BYTES, in at least 100.0% of rows" in shop.text


def test_what_was_found_twice_is_told_once(strange, tmp_path):
    data_findings.write(str(tmp_path), [data_findings.Finding("train", "shop", "Unexpected", "tea.", "toys", "warning")] * 2)
    [found] = data_facts.data(with_output(strange, "DataChecks", "report", tmp_path), UNITS, TARGET).findings
    assert found.text == "Unexpected. Found: tea. Expected: toys."


def test_a_column_that_was_lost_is_missing_in_every_row(strange):
    weight = {each.name: each for each in data_facts.data(strange, UNITS, TARGET).features}["weight"]
    assert weight.train.missing == weight.eval.missing == 1
    assert weight.train.mean is None
    assert set(weight.train.shares) == {0.0}
    assert sum(weight.reference.shares) == pytest.approx(1, abs=1e-4)


def test_a_new_shop_is_among_the_categories_and_an_old_one_among_the_others(strange):
    shop = {each.name: each for each in data_facts.data(strange, UNITS, TARGET).features}["shop"]
    assert shop.categories == ["<b>", histograms.OTHER]
    assert (shop.train.shares, shop.reference.shares) == ([1, 0], [0, 1])


def test_a_feature_that_changed_its_type_has_no_bins_in_common(traces, rows, tmp_path):
    made = tfdv.generate_statistics_from_dataframe(rows[["shop"]].assign(distance="far").reset_index(drop=True))
    for split in data_facts.SPLITS:
        (tmp_path / f"Split-{split}").mkdir()
        (tmp_path / f"Split-{split}" / "FeatureStats.pb").write_bytes(made.SerializeToString())
    run = with_output(traces[1], "StatisticsGen", "statistics", tmp_path)
    distance = {each.name: each for each in data_facts.data(run, UNITS, TARGET).features}["distance"]
    assert distance.categories == ["far", "other"]
    assert distance.train.shares == [1, 0]
    assert distance.reference.shares == [0, 0]
    assert distance.reference.missing < 0.1
