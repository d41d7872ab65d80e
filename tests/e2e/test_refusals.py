"""Runs that must not publish, from the command line: each says why, and leaves production as it was."""

import re
from pathlib import Path

import pandas as pd
from conftest import run, states

from components.run_report import facts


def test_a_span_without_a_positive_row_stops_at_the_gate(problem, tmp_path):
    path = problem / "spans" / "2024-02" / "parcels.parquet"
    pd.read_parquet(path).assign(returned=0).to_parquet(path, index=False)
    result = run(problem=problem, root=tmp_path / "runs")
    assert result.returncode == 3
    assert states(result.stdout)["DataGate"] == "failed"
    text = " ".join(result.stdout.split())
    assert "DataRejected: The data of span 2024-02 (window 2024-01,2024-02) were not trained on" in text
    assert "eval split, returned: share of positive labels out of range. Found: 0.00% of" in text
    assert "Expected: 2.00% to 98.00%" in text
    assert "Transform" not in result.stdout
    assert not (tmp_path / "runs" / "serving").exists()
    assert "Traceback" not in result.stdout
    page = Path(re.search(r"^Report: (.+)$", result.stdout, re.MULTILINE)[1])
    told = facts.read(page.parent)
    assert (told.outcome, told.span, told.candidate) == ("stopped", "2024-02", None)
    assert told.headline == (
        "Nothing was published for 2024-02: DataGate refused the data (eval split, returned: share of positive labels out of "
        "range)."
    )
    assert [(found.split, found.feature) for found in told.data.findings] == [("eval", "returned")]
    assert "0.00% of" in told.data.findings[0].text  # though no node after DataChecks ended well
    assert {gate.id: gate.state for gate in told.gates} == {"data": "refused"} | dict.fromkeys(
        ("drift", "model", "server", "phone"), "not_tried"
    )
    assert any("fix the files of 2024-01, 2024-02 in " in step.text for step in told.steps)
    assert (page.parent / told_link(page, "Log")).resolve().is_file()
    assert {node.name: node.state for node in told.nodes}["Transform"] == "not_run"
    assert "Stopped by a gate" in page.read_text(encoding="utf-8")


def told_link(page: Path, name: str) -> str:
    """Where the link of this name leads, from the page's folder."""
    return re.search(f'<a href="([^"]+)">{name}</a>', page.read_text(encoding="utf-8"))[1]


def test_a_broken_file_stops_at_ingestion(problem, tmp_path):
    path = problem / "spans" / "2024-01" / "parcels.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    result = run(problem=problem, root=tmp_path / "runs")
    assert result.returncode == 3
    assert states(result.stdout)["SpanExampleGen"] == "failed"
    assert f"BadData: {path} cannot be read" in result.stdout
    assert not list((tmp_path / "runs" / "artifacts" / "SpanExampleGen" / "examples").glob("*"))


def test_a_candidate_below_the_floor_is_not_published(root, parcels):
    result = run("--span", "2024-02", "--set", "evaluate.min_auc=0.99", problem=parcels, root=root)
    assert result.returncode == 0
    text = " ".join(result.stdout.split())
    assert "Nothing new was published: overall: auc is 0." in text
    assert "expected at least 0.99" in text
    assert "evaluate.min_auc decided: AUC is 0." in text
    page = Path(re.search(r"^Report: (.+)$", result.stdout, re.MULTILINE)[1])
    told = facts.read(page.parent)
    sentence = r"Nothing was published for 2024-02: the Evaluator refused the candidate of 2024-02 \(AUC 0\.\d+, limit"
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
    assert sorted(path.name for path in (root / "serving" / "parcels").iterdir()) == [".lock", "1", "2"]


def test_a_damaged_version_in_production_stops_the_run(root, parcels):
    (root / "serving" / "parcels" / "2" / "saved_model.pb").write_bytes(b"")
    result = run("--span", "2024-02", problem=parcels, root=root)
    assert result.returncode == 1
    assert "CorruptModel: Version 2 in" in result.stdout
    assert "differs from its manifest: saved_model.pb" in result.stdout


def test_a_comparator_that_would_find_nothing_is_refused_before_the_first_node(problem, tmp_path):
    schema = problem / "schema.pbtxt"
    numeric = 'feature {\n  name: "price"\n'
    stated = schema.read_text()
    assert numeric in stated
    schema.write_text(stated.replace(numeric, numeric + "  drift_comparator { infinity_norm { threshold: 0.1 } }\n"))
    result = run(problem=problem, root=tmp_path / "runs")
    assert result.returncode == 2
    assert f"BadConfig: {schema}: price is numeric and has drift_comparator.infinity_norm in the schema" in result.stdout
    assert "done" not in result.stdout
