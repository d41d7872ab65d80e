"""The command line: what a user meets, on this machine alone and against a stub of KFP's API."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import kfp
import pytest
import yaml
from conftest import REPOSITORY

from components.shared.errors import Exit
from pipeline import kubeflow_runner
from pipeline.kubeflow import recurring, runs
from pipeline.kubeflow.oss import tasks_of
from tests.clocks import starts
from tests.pipeline import checkout
from tests.pipeline.kubeflow.api_stub import Api, api_server

PROBLEM = ["--problem", str(checkout.PROBLEM)]


@pytest.fixture(autouse=True)
def in_a_checkout(monkeypatch):
    """Of the made problem."""
    monkeypatch.chdir(checkout.folder())


def test_help_costs_little():
    command = [sys.executable, "-m", "pipeline.kubeflow_runner", "schedule", "--help"]
    assert "six fields, seconds first" in subprocess.check_output(command, cwd=REPOSITORY, text=True)
    assert starts(lambda: subprocess.check_output(command, cwd=REPOSITORY)) < 6


def test_the_import_is_light():
    code = "import sys, pipeline.kubeflow_runner; print(sorted({'tensorflow', 'tfx', 'kfp', 'apache_beam'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@dataclass(frozen=True)
class Compiled:
    """What was written and said."""

    path: Path
    said: str


@pytest.fixture(scope="module")
def twice(tmp_path_factory) -> list[Compiled]:
    """By this process, and by one with another hash seed."""
    here, there = (tmp_path_factory.mktemp("compiled") / "pipeline.yaml" for _ in range(2))
    said = io.StringIO()
    with checkout.inside(), contextlib.redirect_stdout(said):
        assert kubeflow_runner.main(["compile", *PROBLEM, "--output", str(here)]) == 0
    environment = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "pipeline.kubeflow_runner", "compile", *PROBLEM, "--output", str(there)]
    process = subprocess.run(
        command, cwd=checkout.folder(), env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
    return [Compiled(here, said.getvalue()), Compiled(there, process.stdout)]


def test_compile_says_what_it_has_written(twice):
    for path, said in ((each.path, each.said) for each in twice):
        size = round(path.stat().st_size / 1000)
        assert said.startswith(
            f"Compiled 19 tasks to {path}, {size} KB: canary, closing-report, data-checks, data-gate, drift-monitor,"
        )


def test_compile_writes_the_same_bytes_whatever_the_hash_seed(twice):
    first, second = (each.path.read_bytes() for each in twice)
    assert first == second


def test_the_commit_is_in_the_package(twice):
    spec, _ = yaml.safe_load_all(twice[0].path.read_text())
    commit = tasks_of(spec)["publisher"]["inputs"]["parameters"]["git_commit"]["runtimeValue"]["constant"]
    assert commit == "unknown" or len(commit.removesuffix("-dirty")) == 40


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--set", "data.window=0"], 2, "BadConfig: "),
        (["--set", 'kubeflow.image="a/b:latest"'], 2, "since `latest` moves"),
        (["--set", 'canary.validator="docker"'], 2, "TFX does not compile its InfraValidator"),
        (["--set", "kubeflow.nodes={Trainr = {cpu = '1'}}"], 2, "[kubeflow] names Trainr, which the DAG does not have"),
        (["--set", "problem.model=no{{good}}"], 2, "problem.model"),
        (["--set", 'kubeflow.folder="/mnt/{{workflow.name}}"'], 1, "NotRunnable: The compiled pipeline would not run"),
        (["--config", "none.toml"], 2, "none.toml cannot be read as TOML"),
    ],
)
def test_what_cannot_be_compiled_has_its_code_and_leaves_the_file_that_is_there(tmp_path, capsys, arguments, code, message):
    path = tmp_path / "pipeline.yaml"
    path.write_text("of yesterday")
    assert kubeflow_runner.main(["compile", *PROBLEM, "-o", str(path), *arguments]) == code
    assert message in capsys.readouterr().out.replace("\n", " ")
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert kubeflow_runner.main(["compile", *PROBLEM, "-o", str(tmp_path / "none" / "p.yaml")]) == 2
    assert "none/p.yaml cannot be written" in capsys.readouterr().out


@pytest.fixture
def api(monkeypatch, tmp_path):
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    for name in [name for name in os.environ if name.startswith("KF_PIPELINES_")]:
        monkeypatch.delenv(name)
    with api_server() as server:
        yield server


def main(api: Api, *arguments: str) -> int:
    return kubeflow_runner.main([*arguments, *PROBLEM, "--host", api.address])


def test_what_is_uploaded_is_the_compiled_package_under_a_name_of_its_content(api, capsys):
    assert main(api, "upload") == 0
    [request] = api.sent("POST", "pipelines/upload_version")
    spec, platform = yaml.safe_load_all(request.body)
    assert len(tasks_of(spec)) == 20
    assert "kubernetes" in platform["platforms"]
    assert f"Uploaded crosswind, version {request.query['name']}." in capsys.readouterr().out
    assert main(api, "upload") == 0
    assert main(api, "upload", "--set", "train.epochs=9") == 0
    first, second = (each.query["name"] for each in api.sent("POST", "pipelines/upload_version"))
    assert first != second


def test_a_version_has_a_dns_name_for_kfp_may_keep_it_as_a_kubernetes_object(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with api_server(pipelines_in_kubernetes=True) as server:
        assert main(server, "upload") == 0
        [request] = server.sent("POST", "pipelines/upload_version")
    assert re.fullmatch(r"crosswind-[0-9a-f]{12}-([0-9a-f]{12}|unknown)", request.query["name"])


def test_run_starts_what_it_has_uploaded_and_says_what_came_of_it(api, capsys):
    api.tasks = {"transform": "SUCCEEDED", "published": "SUCCEEDED"}
    assert main(api, "run", "--span", "2024-02", "--wait") == 0
    [run] = api.runs
    assert run["runtime_config"]["parameters"] == {"span": "2024-02"}
    assert run["display_name"].startswith("crosswind 2024-02 ")
    assert run["pipeline_version_reference"]["pipeline_version_id"] == api.versions[-1]["pipeline_version_id"]
    page = f"Its page: /mnt/crosswind/reports/{run['run_id']}/index.html on the volume crosswind."
    assert f"Started run {run['run_id']} of span 2024-02.\nA new model was published. {page}\n" in capsys.readouterr().out


def test_without_a_span_the_run_takes_the_newest_and_it_is_said_where_to_see_it(api, capsys):
    assert main(api, "run") == 0
    [run] = api.runs
    assert run["runtime_config"]["parameters"] == {"span": "newest"}
    assert f"See it at #/runs/details/{run['run_id']} of KFP's pages, or with `kubectl" in capsys.readouterr().out


def test_a_run_that_fails_is_the_exit_code_of_the_wait(api, capsys):
    api.states, api.tasks = ["FAILED"], {"data-gate": "FAILED"}
    assert main(api, "run", "--wait") == 1
    assert f"KubeflowFailed: Run {api.runs[0]['run_id']} ended as FAILED in data-gate" in capsys.readouterr().out


def test_a_second_run_beside_the_first_is_refused_before_anything_is_uploaded(api, capsys):
    assert main(api, "run") == 0
    before = len(api.versions)
    assert main(api, "run", "--set", "train.epochs=9") == Exit.BUSY
    assert f"KubeflowBusy: Under way in the experiment crosswind: {api.runs[0]['display_name']}" in capsys.readouterr().out
    assert (len(api.runs), len(api.versions)) == (1, before)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_waiting_is_told_that_the_run_goes_on(api, capsys, monkeypatch, ending):
    class Clock:
        monotonic = staticmethod(time.monotonic)
        sleep = staticmethod(lambda _: signal.raise_signal(ending))

    monkeypatch.setattr(runs, "time", Clock)
    api.states = ["RUNNING"]
    assert main(api, "run", "--wait") == Exit.INTERRUPTED
    assert f". Run {api.runs[0]['run_id']} continues. See it at " in capsys.readouterr().out


def test_schedule_replaces_and_removes_by_name(api, capsys, monkeypatch):
    monkeypatch.setattr(recurring, "SETTLES", 0.0)
    monkeypatch.setattr(runs, "PAUSE", 0.01)
    assert main(api, "schedule") == 0
    assert main(api, "schedule", "--cron", "0 30 4 * * *") == 0
    [left] = api.recurring
    assert left["trigger"]["cron_schedule"]["cron"] == "0 30 4 * * *"
    assert "crosswind: 0 30 4 * * *, in place of 1." in capsys.readouterr().out
    api.tick(left["recurring_run_id"])
    assert main(api, "schedule", "--remove") == Exit.BUSY
    assert "is under way; expected none" in capsys.readouterr().out
    assert main(api, "schedule", "--remove", "--now") == 0
    assert (api.recurring, api.killed) == ([], [])
    assert "Removed 1 named crosswind." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["schedule", "--cron", "0 3 * * *"], 2, "has 5 fields; expected six"),
        (["run", "--span", "summer"], 2, "'summer' is not a span"),
        (["schedule", "--cron", "0 0 3 31 2 *"], 2, "is never due"),
    ],
)
def test_what_is_wrong_is_said_before_the_api_is_asked(api, capsys, arguments, code, message):
    assert main(api, *arguments) == code
    assert message in capsys.readouterr().out
    assert api.requests == []
