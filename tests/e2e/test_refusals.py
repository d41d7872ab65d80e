"""Runs that must not publish, from the command line: each says why, and leaves production as it was."""

import re
import shutil
from pathlib import Path

import pandas as pd
from conftest import REPOSITORY, run, states

from components.run_report import facts


def test_a_span_without_a_late_flight_stops_at_the_gate(few_spans, tmp_path):
    spans = shutil.copytree(few_spans, tmp_path / "spans")
    path = spans / "2013-03" / "flights.parquet"
    flights = pd.read_parquet(path)
    flights.assign(late=0).to_parquet(path, index=False)
    result = run(spans=spans, root=tmp_path / "runs")
    assert result.returncode == 3
    assert states(result.stdout)["DataGate"] == "failed"
    text = " ".join(result.stdout.split())
    assert "DataRejected: The data of span 2013-03 (window 2013-01,2013-02,2013-03) were not trained on" in text
    assert "eval split, late: share of positive labels out of range. Found: 0.00% of" in text
    assert "Expected: 2.00% to 60.00%" in text
    assert "Transform" not in result.stdout
    assert not (tmp_path / "runs" / "serving").exists()
    assert "Traceback" not in result.stdout
    page = Path(re.search(r"^Report: (.+)$", result.stdout, re.MULTILINE)[1])
    told = facts.read(page.parent)
    assert (told.outcome, told.span, told.candidate) == ("stopped", "2013-03", None)
    assert told.headline == (
        "Nothing was published for 2013-03: DataGate refused the data (eval split, late: share of positive labels out of "
        "range)."
    )
    assert [(found.split, found.feature) for found in told.data.findings] == [("eval", "late")]
    assert "0.00% of" in told.data.findings[0].text  # though no node after DataChecks ended well
    assert {gate.id: gate.state for gate in told.gates} == {"data": "refused"} | dict.fromkeys(
        ("drift", "model", "server", "phone"), "not_tried"
    )
    assert any("fix the files of 2013-01, 2013-02, 2013-03 in " in step.text for step in told.steps)
    assert (page.parent / told_link(page, "Log")).resolve().is_file()
    assert {node.name: node.state for node in told.nodes}["Transform"] == "not_run"
    assert "Stopped by a gate" in page.read_text(encoding="utf-8")


def told_link(page: Path, name: str) -> str:
    """Where the link of this name leads, from the page's folder."""
    return re.search(f'<a href="([^"]+)">{name}</a>', page.read_text(encoding="utf-8"))[1]


def test_a_broken_file_stops_at_ingestion(few_spans, tmp_path):
    spans = shutil.copytree(few_spans, tmp_path / "spans")
    path = spans / "2013-02" / "flights.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    result = run(spans=spans, root=tmp_path / "runs")
    assert result.returncode == 3
    assert states(result.stdout)["SpanExampleGen"] == "failed"
    assert f"BadData: {path} cannot be read" in result.stdout
    assert not list((tmp_path / "runs" / "artifacts" / "SpanExampleGen" / "examples").glob("*"))


def test_a_candidate_below_the_floor_is_not_published(two_runs, few_spans, tmp_path):
    root = shutil.copytree(two_runs.root, tmp_path / "runs")
    result = run("--span", "2013-03", "--set", "evaluate.min_auc=0.99", spans=few_spans, root=root)
    assert result.returncode == 0
    text = " ".join(result.stdout.split())
    assert "Nothing new was published: overall: auc is 0." in text
    assert "expected at least 0.99" in text
    assert "evaluate.min_auc decided: AUC is 0." in text
    page = Path(re.search(r"^Report: (.+)$", result.stdout, re.MULTILINE)[1])
    told = facts.read(page.parent)
    sentence = r"Nothing was published for 2013-03: the Evaluator refused the candidate of 2013-03 \(AUC 0\.\d+, limit"
    assert re.match(sentence, told.headline)
    assert {gate.id: gate.state for gate in told.gates} == {
        **dict.fromkeys(("data", "drift", "phone"), "passed"),
        "model": "refused",
        "server": "not_tried",
    }
    states_of = {node.name: node.state for node in told.nodes}
    assert states_of["Evaluator"] == "refused"
    assert {states_of[name] for name in ("Canary", "Publisher", "MobilePublisher")} == {"not_tried"}
    [before] = re.findall(r'<a href="([^"]+)" rel="prev"', page.read_text(encoding="utf-8"))
    assert 'rel="next"' in (page.parent / before).resolve().read_text(encoding="utf-8")  # its page was renewed
    assert sorted(path.name for path in (root / "serving" / "flight_delay").iterdir()) == [".lock", "1", "2"]


def test_a_damaged_version_in_production_stops_the_run(two_runs, few_spans, tmp_path):
    root = shutil.copytree(two_runs.root, tmp_path / "runs")
    (root / "serving" / "flight_delay" / "2" / "saved_model.pb").write_bytes(b"")
    result = run("--span", "2013-03", spans=few_spans, root=root)
    assert result.returncode == 1
    assert "CorruptModel: Version 2 in" in result.stdout
    assert "differs from its manifest: saved_model.pb" in result.stdout


def test_a_comparator_that_would_find_nothing_is_refused_before_the_first_node(few_spans, tmp_path):
    schema = tmp_path / "schema.pbtxt"
    stated = (REPOSITORY / "data" / "flights" / "schema.pbtxt").read_text()
    numeric = 'feature {\n  name: "temp"\n'
    schema.write_text(stated.replace(numeric, numeric + "  drift_comparator { infinity_norm { threshold: 0.1 } }\n"))
    result = run("--set", f"data.schema={schema}", spans=few_spans, root=tmp_path / "runs")
    assert result.returncode == 2
    assert f"BadConfig: {schema}: temp is numeric and has drift_comparator.infinity_norm in the schema" in result.stdout
    assert "done" not in result.stdout
