"""The compiled pipeline on an emulated cluster, twice: the second run has the first one's model as its baseline."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from conftest import FAST, REPOSITORY

from components.model_store import store
from components.run_report import facts
from tests import preloaded
from tests.pipeline.kubeflow.emulator import Cluster, Task

pytestmark = pytest.mark.timeout(3600)

SETTINGS = [*FAST, "evaluate.min_auc=0.4", "evaluate.max_auc_drop=1.0"]


def compile_package(path: Path, *settings: str) -> Path:
    """As a user does."""
    overrides = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "pipeline.kubeflow_runner", "compile", "--output", str(path), *overrides]
    result = subprocess.run(
        preloaded.command(command), cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith(f"Compiled 19 tasks to {path}")
    return path


@dataclass(frozen=True)
class EmulatedRuns:
    """The first run (March, by its parameter), the second (the newest month, April), and April again when only drift retrains.

    Attributes:
        folder: the volume that every node mounts.
        cluster: what ran them.
    """

    folder: Path
    cluster: Cluster
    first: dict[str, Task]
    second: dict[str, Task]
    quiet: dict[str, Task]


@pytest.fixture(scope="module")
def runs(few_spans, tmp_path_factory) -> EmulatedRuns:
    folder = tmp_path_factory.mktemp("kubeflow")
    volume = folder / "volume"
    volume.mkdir()
    places = [f"kubeflow.folder={volume}", f"kubeflow.spans={few_spans}"]
    package = compile_package(folder / "pipeline.yaml", *SETTINGS, *places)
    # April's labels drift from those of its window whatever is in production; the model of April has not decayed in April.
    quietly = ["drift.policy=retrain_on_drift", 'drift.retrain_on=["concept"]']
    on_drift = compile_package(folder / "on_drift.yaml", *SETTINGS, *places, *quietly)
    cluster = Cluster(folder / "store", folder / "machines")
    first, second, outputs = cluster.run(package, span="2013-03"), cluster.run(package), cluster.outputs
    quiet = cluster.run(on_drift)
    cluster.outputs = outputs
    for task in [*first.values(), *second.values(), *quiet.values()]:
        print(f"{task.name:18} {task.state:8} {task.seconds:6.1f} s")
    return EmulatedRuns(volume, cluster, first, second, quiet)


def test_every_task_of_both_runs_is_done(runs):
    for task in [*runs.first.values(), *runs.second.values()]:
        assert (task.state, task.code) == ("done", 0), f"{task.name}: {task.output}"


def test_both_models_are_published_with_their_spans(runs):
    for kind in ("serving", "mobile"):
        versions = runs.folder / kind / "flight_delay"
        assert store.versions(versions) == [1, 2]
        for number, span in ((1, "2013-03"), (2, "2013-04")):
            version = store.read(versions, number)
            store.verify(version)
            assert version.manifest.span == span


def test_the_second_run_is_compared_with_the_first_ones_model(runs):
    reports = [json.loads(path.read_text()) for path in runs.cluster.store.rglob("report/report.json")]
    first, *of_april = sorted(reports, key=lambda report: report["span"])
    assert first["reference"] is None
    assert {report["reference"]["version"] for report in of_april} == {1, 2}  # the second run's, and the quiet one's
    evaluation = runs.cluster.outputs["evaluator"]["evaluation"]
    assert evaluation.uri.startswith("gs://my-bucket/pipelines/crosswind/")


def test_the_reports_are_on_the_volume(runs):
    """Without a metadata store: from the artifacts that the report's node was given, and the times in them."""
    reports = runs.folder / "reports"
    first, second, quiet = sorted(
        (facts.read(path.parent) for path in reports.glob("*/facts.json")), key=lambda found: found.started
    )
    assert [(found.span, found.outcome, found.version) for found in (first, second)] == [
        ("2013-03", "published", 1),
        ("2013-04", "published", 2),
    ]
    assert second.candidate and second.candidate.production_version == 1
    seconds = {node.name: node.seconds for node in second.nodes}
    assert seconds["Transform"] > seconds["DataGate"] > 0
    for found in (first, second, quiet):
        assert (reports / found.run / "index.html").stat().st_size > 100_000
        assert found.run in (reports / "index.html").read_text()


def test_a_quiet_month_skips_what_makes_a_model_and_has_its_page_all_the_same(runs):
    states = {name: task.state for name, task in runs.quiet.items()}
    assert (states["drift-monitor"], states["transform"], states["trainer"]) == ("done", "skipped", "omitted")
    assert (states["published"], states["run-report"], states["closing-report"]) == ("omitted", "omitted", "done")
    [found] = [
        found for path in runs.folder.glob("reports/*/facts.json") if (found := facts.read(path.parent)).outcome == "stable"
    ]
    assert "for 2013-04, and nothing was trained: version 2 stays, since no check calls for a new one." in found.headline
    assert found.drift and found.data
    assert found.data.window == ["2013-02", "2013-03", "2013-04"]
    assert any(feature.train and feature.reference for feature in found.data.features)
    nodes = {node.name: node.state for node in found.nodes}
    assert (nodes["DriftMonitor"], nodes["Transform"], nodes["Publisher"]) == ("done", "skipped", "skipped")
    assert found.headline in runs.quiet["closing-report"].output
    assert {each.uri.partition("://")[0] for each in found.lineage} == {"gs"}
    assert all(each.sha256 for each in found.lineage if each.key in ("examples", "statistics", "schema", "model"))


def test_nothing_is_left_on_the_machines_nor_among_the_records(runs):
    assert not list(runs.cluster.machines.iterdir())
    assert not list((runs.folder / "records").iterdir())


def test_a_refused_month_ends_the_run_with_its_code_and_its_message(few_spans, tmp_path):
    spans = shutil.copytree(few_spans, tmp_path / "spans")
    path = spans / "2013-03" / "flights.parquet"
    pd.read_parquet(path).assign(late=0).to_parquet(path, index=False)
    package = compile_package(
        tmp_path / "pipeline.yaml", *SETTINGS, f"kubeflow.folder={tmp_path / 'volume'}", f"kubeflow.spans={spans}"
    )
    tasks = Cluster(tmp_path / "store", tmp_path / "machines").run(package, span="2013-03")
    assert (tasks["data-gate"].state, tasks["data-gate"].code) == ("failed", 3)
    assert "DataRejected: The data of span 2013-03" in tasks["data-gate"].output
    assert (tasks["transform"].state, tasks["closing-report"].state) == ("omitted", "done")
    assert not (tmp_path / "volume" / "serving").exists()
    [page] = (tmp_path / "volume" / "reports").glob("*/facts.json")
    found = facts.read(page.parent)
    assert found.outcome == "stopped"
    assert "for 2013-03: DataGate refused the " in found.headline
    assert found.data and found.data.window == ["2013-01", "2013-02", "2013-03"]
    assert {node.name: node.state for node in found.nodes}["DataGate"] == "refused"
    assert (page.parent / "index.html").stat().st_size > 100_000
