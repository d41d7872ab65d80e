"""The page of a run that ended early, from what its nodes have left on the volume; whole runs are in tests/e2e."""

from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput

from components.run_report import facts
from components.shared.trace import Artifact, Execution
from pipeline import dag
from pipeline.kubeflow import closing_report, records
from pipeline.parts.report import report_settings
from tests.pipeline import checkout

RUN = "8f0f3f0a-run"


@pytest.fixture(scope="module")
def settings() -> str:
    loaded = checkout.configured()
    with checkout.inside():
        nodes = dag.create_pipeline(loaded, "2024-03").components
        return report_settings(loaded, nodes, "commit").model_dump_json()


def close(volume: Path, settings: str) -> int:
    given = ExecutorInput()
    stated = {"run": RUN, "settings": settings, "reports": str(volume / "reports"), "records": str(volume / "records")}
    for name, value in stated.items():
        given.inputs.parameter_values[name].string_value = value
    return closing_report.main([json_format.MessageToJson(given)])


def left(volume: Path, task: str, execution: Execution) -> None:
    path = volume / "records" / RUN / f"{task}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(records.EXECUTION.dump_json(execution))


def test_a_run_whose_first_node_failed_has_its_page_and_its_place_in_the_history(tmp_path, settings, capsys):
    model = Artifact(0, "Model", str(tmp_path / "none"), {"version": 3.0, records.ORIGIN: "gs://my-bucket/model"})
    left(tmp_path, "production-model", Execution("production-model", "done", 10.0, 2.0, outputs={"model": [model]}))
    message = "SpanNotFound: /mnt/crosswind/spans has no 2024-03."
    left(tmp_path, "span-example-gen", Execution("span-example-gen", "failed", 11.0, 4.0, message, {"span": "2024-03"}))
    assert close(tmp_path, settings) == 0
    found = facts.read(tmp_path / "reports" / RUN)
    states = {node.name: node.state for node in found.nodes}
    assert (found.span, found.outcome, found.version) == ("2024-03", "failed", 3)
    assert "SpanNotFound: /mnt/crosswind/spans has no 2024-03" in found.headline
    assert (states["SpanExampleGen"], states["ProductionModel"], states["Trainer"]) == ("failed", "done", "not_run")
    assert [each.uri for each in found.lineage] == ["gs://my-bucket/model"]
    assert RUN in (tmp_path / "reports" / "index.html").read_text()
    assert found.headline in capsys.readouterr().out
    assert not (tmp_path / "records" / RUN).exists()


def test_a_run_that_has_its_page_keeps_it(tmp_path, settings):
    left(tmp_path, "span-example-gen", Execution("span-example-gen", "done", 11.0, 4.0))
    (tmp_path / "reports" / RUN).mkdir(parents=True)
    (tmp_path / "reports" / RUN / "facts.json").write_text("of run-report")
    (tmp_path / "records" / "another run").mkdir()
    assert close(tmp_path, settings) == 0
    assert (tmp_path / "reports" / RUN / "facts.json").read_text() == "of run-report"
    assert [path.name for path in (tmp_path / "records").iterdir()] == ["another run"]


def test_a_run_without_a_node_has_nothing_to_tell(tmp_path, settings, capsys):
    assert close(tmp_path, settings) == 0
    assert f"No node of run {RUN} has started" in capsys.readouterr().out
    assert not (tmp_path / "reports").exists()


def test_a_node_that_was_killed_is_named(tmp_path, settings):
    left(tmp_path, "span-example-gen", Execution("span-example-gen", "failed", 11.0, 0.0, parameters={"span": "2024-03"}))
    close(tmp_path, settings)
    found = facts.read(tmp_path / "reports" / RUN)
    assert found.outcome == "unfinished"
    assert "SpanExampleGen" in found.headline


def test_what_is_too_large_to_be_handed_over_costs_its_part_of_the_page_alone(tmp_path, settings):
    """A run that failed late: its model and its examples are in the bucket."""
    stated = {"span": "2024-03", "window": "2024-03", "rows": '{"train": 9, "eval": 3}'}
    stated["repeated"] = '{"2024-03": {"rows": 12, "repeated": 0}}'

    def done(task: str, key: str, **properties: object) -> None:
        uri = f"gs://my-bucket/{task}/{key}"
        outputs = {key: [Artifact(0, key, uri, {**properties, records.ORIGIN: uri})]}
        left(tmp_path, task, Execution(task, "done", 10.0, 1.0, outputs=outputs))

    done("span-example-gen", "examples", **stated)
    done("trainer", "model")
    uri = "gs://my-bucket/evaluator"
    both = {key: [Artifact(0, key, f"{uri}/{key}", {records.ORIGIN: f"{uri}/{key}"})] for key in ("evaluation", "blessing")}
    left(tmp_path, "evaluator", Execution("evaluator", "done", 12.0, 1.0, outputs=both))
    left(tmp_path, "canary", Execution("canary", "failed", 13.0, 1.0, "NodeFailed: no port is free."))
    assert close(tmp_path, settings) == 0
    found = facts.read(tmp_path / "reports" / RUN)
    assert (found.outcome, found.candidate) == ("failed", None)
    assert found.data and found.data.rows == {"train": 9, "eval": 3}
