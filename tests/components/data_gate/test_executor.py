"""The real executors on artifacts that TFDV wrote: what is found is an artifact, whether or not the gate stops the run."""

import json
from dataclasses import asdict

import pytest
import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)

import tensorflow_data_validation as tfdv  # isort: skip
from tfx.types import standard_artifacts

from components.data_gate.executor import ChecksExecutor, GateExecutor, message
from components.shared import data_findings
from components.shared.artifacts import DataGateReport
from components.shared.errors import DataRejected
from tests import neutral
from tests.neutral import COLUMNS, LABEL

SETTINGS = {"target": neutral.TARGET.model_dump_json(), "min_rows": 100, "min_eval_days": 7}
SETTINGS |= {"label_limits": '{"min_positive_share": 0.02, "max_positive_share": 0.6}'}
SETTINGS |= {
    "max_repeated_share": 0.001,
    "max_categories": 10_000,
    "may_be_constant": '["gift", "shop"]',
    "may_be_absent": "[]",
}


@pytest.fixture
def artifacts(tmp_path):
    """Inputs in which one shop in both splits is unknown to the schema, and an empty report."""
    schema = neutral.schema(neutral.PROBLEM)
    rows = neutral.rows(each=4000)[list(COLUMNS)].astype({name: dtype for name, dtype in COLUMNS.items() if dtype != "string"})
    statistics = tfdv.generate_statistics_from_dataframe(rows.assign(shop="spoons"))
    anomalies = tfdv.validate_statistics(statistics, schema)
    made = {
        "examples": standard_artifacts.Examples(),
        "schema": standard_artifacts.Schema(),
        "statistics": standard_artifacts.ExampleStatistics(),
        "anomalies": standard_artifacts.ExampleAnomalies(),
        "report": DataGateReport(),
    }
    for name, artifact in made.items():
        artifact.uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    tfdv.write_schema_text(schema, str(tmp_path / "schema" / "schema.pbtxt"))
    made["examples"].set_string_custom_property("span", "2013-03")
    made["examples"].set_string_custom_property("repeated", '{"2013-03": {"repeated": 1, "rows": 10000}}')
    made["examples"].set_string_custom_property("days", '{"train": 80, "eval": 10}')
    made["examples"].set_string_custom_property("window", "2013-01,2013-02,2013-03")
    for name in ("examples", "statistics", "anomalies"):
        made[name].split_names = '["train", "eval"]'
    for split in ("train", "eval"):
        for name, file, proto in (("statistics", "FeatureStats.pb", statistics), ("anomalies", "SchemaDiff.pb", anomalies)):
            (tmp_path / name / f"Split-{split}").mkdir()
            (tmp_path / name / f"Split-{split}" / file).write_bytes(proto.SerializeToString())
    return {name: [artifact] for name, artifact in made.items()}, tmp_path / "report" / "findings.json"


def stopped(inputs, stop_on: str = '["error"]') -> str:
    """The message of the gate, after DataChecks has written its report; empty if it let the run pass."""
    ChecksExecutor().Do(inputs, inputs, SETTINGS)
    try:
        GateExecutor().Do(inputs, {}, {"stop_on": stop_on, "spans_folder": "/data/spans"})
    except DataRejected as error:
        return str(error)
    return ""


def test_a_severity_that_stops_names_every_finding_and_the_report_has_them_all_the_same(artifacts):
    inputs, report = artifacts
    message = stopped(inputs)
    told = "The data of span 2013-03 (window 2013-01,2013-02,2013-03) were not trained on:\n- train split, shop: "
    assert message.startswith(told)
    assert "\n- eval split, shop: " in message
    assert "spoons" in message
    assert "Fix the files of 2013-01, 2013-02, 2013-03 in /data/spans, or" in message
    found = json.loads(report.read_text())
    assert [(finding["split"], finding["feature"]) for finding in found] == [("train", "shop"), ("eval", "shop")]
    assert [asdict(finding) for finding in data_findings.read(str(report.parent))] == found


def test_a_severity_that_does_not_stop_is_reported(artifacts):
    inputs, report = artifacts
    assert stopped(inputs, "[]") == ""
    findings = json.loads(report.read_text())
    assert [(finding["split"], finding["feature"]) for finding in findings] == [("train", "shop"), ("eval", "shop")]


def test_a_span_that_was_delivered_twice_stops_the_run(artifacts):
    inputs, _ = artifacts
    inputs["examples"][0].set_string_custom_property("repeated", '{"2013-02": {"repeated": 1000, "rows": 2000}}')
    assert (
        "- data: repeated rows in 2013-02. Found: 1,000 of its 2,000 rows (50.00%) repeat an earlier one. "
        "Expected: at most 0.10% (gate.max_repeated_share)."
    ) in stopped(inputs)


def test_a_month_that_is_judged_on_too_few_days_stops_the_run(artifacts):
    """As one whose files end on the 22nd."""
    inputs, _ = artifacts
    inputs["examples"][0].set_string_custom_property("days", '{"train": 80, "eval": 4}')
    assert "- eval split: too few days. Found: rows of 4. Expected: at least 7 (gate.min_eval_days)." in stopped(inputs)


def test_what_is_found_too_and_stops_nothing_is_told_apart():
    bad, odd = (
        data_findings.Finding("eval", LABEL, "all of one class", "0", "some", severity) for severity in ("error", "warning")
    )
    stopping, others = data_findings.parted([odd, bad], ["error"])
    assert (stopping, others) == ([bad], [odd])
    text = message("2013-03", ["2013-03"], "gs://bucket/spans", stopping, others)
    assert text.splitlines()[1:4] == [f"- {bad}", "Found too, and no reason to stop:", f"- {odd}"]
    assert "Fix the files of 2013-03 in gs://bucket/spans, or" in text


def test_a_constant_feature_is_looked_for_in_the_training_split(artifacts):
    inputs, report = artifacts
    ChecksExecutor().Do(inputs, inputs, {**SETTINGS, "may_be_constant": "[]"})
    found = [finding for finding in json.loads(report.read_text()) if finding["anomaly"] == "constant"]
    assert [(finding["split"], finding["feature"]) for finding in found] == [("train", "shop")]
