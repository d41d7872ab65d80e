"""What two real runs left, and what refused candidates leave."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from components.run_report import page, phone_facts
from components.shared import trace
from components.shared.nodes import Output
from components.shared.phone import parity_report
from components.shared.tasks import BINARY
from components.shared.trace import Artifact, Trace
from tests.components.run_report import samples


@pytest.fixture(scope="module")
def run(parcel_runs) -> Trace:
    store = trace.open_store(parcel_runs.root / "metadata.db")
    return trace.read(store, trace.runs(store)[1])


def with_output(run: Trace, node: str, key: str, artifact: Artifact) -> Trace:
    execution = run.executions[node]
    return Trace(run.run, {**run.executions, node: replace(execution, outputs={**execution.outputs, key: [artifact]})})


def test_every_file_for_phones_is_measured_and_one_ships(run):
    found = phone_facts.phone(run, BINARY, 100)
    assert (found.blessed, found.reason) == (True, "")
    by_name = {each.name: each for each in found.variants}
    assert set(by_name) == {"float32", "float16", "dynamic_int8", "weight_int8"}
    assert [name for name, each in by_name.items() if each.ships] == ["float16"]
    assert by_name["float16"].limit == 1e-3
    assert by_name["float16"].largest <= 1e-3
    assert by_name["float16"].kilobytes < by_name["float32"].kilobytes
    assert all(1 < each.row_us < 1e5 for each in found.variants)
    assert all(each.rows >= 320 for each in found.variants)  # the evaluation rows


def test_a_file_from_before_latency_was_measured_is_read(run, tmp_path):
    artifact = run.output(Output.MOBILE_EVALUATION)
    older = shutil.copytree(artifact.uri, tmp_path / "evaluation")
    stated = json.loads((older / parity_report.FILE).read_text())
    (older / parity_report.FILE).write_text(json.dumps([{k: v for k, v in each.items() if k != "row_us"} for each in stated]))
    found = phone_facts.phone(with_output(run, "MobileEvaluator", "evaluation", replace(artifact, uri=str(older))), BINARY, 100)
    assert {each.row_us for each in found.variants} == {None}


def test_a_file_that_answers_with_nan_differs_by_no_number(run, tmp_path):
    artifact = run.output(Output.MOBILE_EVALUATION)
    broken = shutil.copytree(artifact.uri, tmp_path / "evaluation")
    stated = json.loads((broken / parity_report.FILE).read_text())
    (broken / parity_report.FILE).write_text(json.dumps([each | {"largest": float("nan"), "mean": 0.1} for each in stated]))
    found = phone_facts.phone(
        with_output(run, "MobileEvaluator", "evaluation", replace(artifact, uri=str(broken))), BINARY, 100
    )
    assert {(each.largest, each.mean) for each in found.variants} == {(None, 0.1)}
    facts = samples.published().model_copy(update={"phone": found})
    assert "weight_int8" in page.render(facts)


def test_a_refusal_is_told_with_its_reason(run):
    artifact = run.output(Output.MOBILE_BLESSING)
    refused = replace(artifact, properties=artifact.properties | {"blessed": 0, "reason": "float16 differs"})
    found = phone_facts.phone(with_output(run, "MobileEvaluator", "blessing", refused), BINARY, 100)
    assert (found.blessed, found.reason) == (False, "float16 differs")


def test_every_file_that_is_published_ships(run, tmp_path):
    served = shutil.copytree(Path(run.output(Output.MOBILE_MODEL).uri) / "Format-Serving", tmp_path / "served")
    (served / "weight_int8.tflite").touch()
    assert phone_facts.ships(served) >= {"float16", "weight_int8"}
    assert "float32" not in phone_facts.ships(served)


def test_nothing_was_tried():
    assert phone_facts.phone(Trace("", {}), BINARY, 100) is None
