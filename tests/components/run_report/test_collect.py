"""What is told of the server that a candidate was tried in, as every page has it."""

from dataclasses import replace

import pytest

from components.run_report.collect import Settings, collect, reproduce
from components.run_report.facts import RunFacts
from components.shared import trace
from components.shared.canary_report import FILE, CanaryReport
from components.shared.nodes import Output
from components.shared.trace import Trace
from tests.neutral import TARGET

SETTINGS = Settings(dag={}, units={}, target=TARGET, model="parcels", git_commit="unknown", configuration={}, overrides=[])


@pytest.fixture(scope="module")
def run(parcel_runs) -> Trace:
    """The second run as far as its Canary, without what costs seconds to collect."""
    store = trace.open_store(parcel_runs.root / "metadata.db")
    found = trace.read(store, trace.runs(store)[1])
    return Trace(found.run, {name: found.executions[name] for name in ("ProductionModel", "Canary")})


def told(run: Trace) -> RunFacts:
    return collect(run, SETTINGS, {})


def test_a_server_answered_every_request(run):
    found = told(run).server
    assert found.requests == 40
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.peak_mb > 0  # of what passes requests on to a preloaded Python
    assert found.difference < 1e-3
    assert found.reasons == []


def test_a_refused_candidate_is_told_with_what_was_measured(run, tmp_path):
    (tmp_path / FILE).write_text(CanaryReport(requests=7, reasons=["request 8 was not answered"]).model_dump_json())
    blessing = replace(run.output(Output.INFRA_BLESSING), uri=str(tmp_path))
    canary = replace(run.executions["Canary"], outputs={"blessing": [blessing]})
    found = told(Trace("", {**run.executions, "Canary": canary})).server
    assert (found.requests, found.p99_ms, found.reasons) == (7, None, ["request 8 was not answered"])


def test_nothing_was_tried(run):
    assert told(Trace("", {"ProductionModel": run.executions["ProductionModel"]})).server is None


def test_rows_that_a_program_makes_are_made_again_by_make():
    assert reproduce(SETTINGS, "2024-04") == [
        "make setup data",
        ".venv/bin/python -m pipeline.local_runner --root runs/again --span 2024-04",
    ]
    other = SETTINGS.model_copy(update={"problem": "data/trips", "overrides": ["train.epochs=2"]})
    assert reproduce(other, "2024-04") == [
        "make setup data PROBLEM=trips",
        ".venv/bin/python -m pipeline.local_runner --problem data/trips --root runs/again --span 2024-04 --set train.epochs=2",
    ]


def test_rows_that_no_program_makes_have_to_be_there():
    settings = {"problem": "data/trips", "built": False, "configuration": {"data": {"spans": "data/trips/spans"}}}
    setup, rows, _ = reproduce(SETTINGS.model_copy(update=settings), "2024-04")
    assert (setup, rows) == (
        "make setup",
        "# No program makes the rows: data/trips/spans must hold the files that this run read.",
    )
