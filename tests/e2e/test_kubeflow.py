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

from components.publisher import store
from components.run_report import facts
from tests.pipeline.kubeflow.emulator import Cluster, Task

pytestmark = pytest.mark.timeout(3600)

SETTINGS = [*FAST, "evaluate.min_auc=0.4", "evaluate.max_auc_drop=1.0"]


def compile_package(path: Path, *settings: str) -> Path:
    """As a user does."""
    overrides = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "pipeline.kubeflow_runner", "compile", "--output", str(path), *overrides]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith(f"Compiled 17 tasks to {path}")
    return path


@dataclass(frozen=True)
class EmulatedRuns:
    """The first run (March, by its parameter) and the second (the newest month, April).

    Attributes:
        folder: the volume that every node mounts.
        cluster: what ran them.
    """

    folder: Path
    cluster: Cluster
    first: dict[str, Task]
    second: dict[str, Task]


@pytest.fixture(scope="module")
def runs(few_spans, tmp_path_factory) -> EmulatedRuns:
    folder = tmp_path_factory.mktemp("kubeflow")
    volume = folder / "volume"
    volume.mkdir()
    package = compile_package(folder / "pipeline.yaml", *SETTINGS, f"kubeflow.folder={volume}", f"kubeflow.spans={few_spans}")
    cluster = Cluster(folder / "store", folder / "machines")
    first, second = cluster.run(package, span="2013-03"), cluster.run(package)
    for task in [*first.values(), *second.values()]:
        print(f"{task.name:18} {task.state:8} {task.seconds:6.1f} s {task.memory:6.0f} MB")
    return EmulatedRuns(volume, cluster, first, second)


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
            assert version.manifest["span"] == span


def test_the_second_run_is_compared_with_the_first_ones_model(runs):
    reports = [json.loads(path.read_text()) for path in runs.cluster.store.rglob("report/report.json")]
    first, second = sorted(reports, key=lambda report: report["span"])
    assert first["reference"] is None
    assert second["reference"]["version"] == 1
    evaluation = runs.cluster.outputs["evaluator"]["evaluation"]
    assert evaluation.uri.startswith("gs://my-bucket/pipelines/crosswind/")


def test_the_reports_are_on_the_volume(runs):
    """Without a metadata store: from the artifacts that the report's node was given, and the times in them."""
    reports = runs.folder / "reports"
    first, second = sorted((facts.read(path.parent) for path in reports.glob("*/facts.json")), key=lambda found: found.span)
    assert [(found.span, found.outcome, found.version) for found in (first, second)] == [
        ("2013-03", "published", 1),
        ("2013-04", "published", 2),
    ]
    assert second.candidate and second.candidate.production_version == 1
    seconds = {node.name: node.seconds for node in second.nodes}
    assert seconds["Transform"] > seconds["DataGate"] > 0
    for found in (first, second):
        assert (reports / found.run / "index.html").stat().st_size > 100_000
        assert found.run in (reports / "index.html").read_text()


def test_nothing_is_left_on_the_machines(runs):
    assert not list(runs.cluster.machines.iterdir())


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
    assert tasks["transform"].state == "omitted"
    assert not (tmp_path / "volume" / "serving").exists()
