"""KFP's own local orchestrator runs the first nodes of the compiled pipeline, in processes of this machine.

It resolves inputs, placeholders and outputs by KFP's code, where the emulator has ours. Two things are not as they come: its
runner of processes refuses all but lightweight Python components, a check that is off here; and its root, else a folder, is
called gs://, so that artifacts are below KFP_MOUNTS as the launcher's are, and its reports below the working directory.
"""

import copy
import json
import os
import sys
from pathlib import Path

import kfp.components
import kfp.local
import pytest
import yaml
from conftest import FAST, REPOSITORY
from kfp.local.config import LocalExecutionConfig
from kfp.local.pipeline_orchestrator import run_local_pipeline
from kfp.local.subprocess_task_handler import SubprocessTaskHandler

from pipeline import config
from pipeline.kubeflow.compiled import compiled

pytestmark = pytest.mark.timeout(3600)

FIRST = ("production-model", "import-schema-gen", "span-example-gen", "statistics-gen")


def cut(spec: dict) -> dict:
    """The spec with the first tasks alone."""
    spec = copy.deepcopy(spec)
    spec["root"]["dag"]["tasks"] = spec["components"]["comp-nodes"]["dag"]["tasks"]
    for prefix, named in (
        ("", spec["root"]["dag"]["tasks"]),
        ("comp-", spec["components"]),
        ("exec-", spec["deploymentSpec"]["executors"]),
    ):
        kept = {f"{prefix}{name}": named[f"{prefix}{name}"] for name in FIRST}
        named.clear()
        named.update(kept)
    return spec


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A working directory for KFP's orchestrator and the containers' commands, and what they find in the environment."""
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.setenv("KFP_MOUNTS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setattr(SubprocessTaskHandler, "validate_not_container_component", lambda self, full_command: None)
    monkeypatch.setattr(LocalExecutionConfig, "instance", None)  # and back to what it was
    return tmp_path


@pytest.mark.filterwarnings("ignore:You may be attemping")  # of KFP, about an image without python in its name
def test_kfps_local_orchestrator_less_its_check_for_python_components_runs_the_first_nodes(few_spans, machine, monkeypatch):
    settings = [*FAST, f"kubeflow.spans={few_spans}", f"kubeflow.folder={machine}/volume"]
    package = yaml.safe_dump(cut(compiled(config.load(overrides=settings), "commit")[0]))
    monkeypatch.chdir(machine)
    LocalExecutionConfig(kfp.local.SubprocessRunner(use_venv=False), "gs://my-bucket/pipelines", str(machine / "work"), True)
    run_local_pipeline(kfp.components.load_component_from_text(package).pipeline_spec, {"span": "2013-03"})

    [run] = (machine / "gcs" / "my-bucket" / "pipelines").iterdir()
    assert {path.name for path in run.iterdir()} == set(FIRST)
    schema = (run / "import-schema-gen" / "schema" / "schema.pbtxt").read_bytes()
    assert schema == Path("data/flights/schema.pbtxt").read_bytes()
    for split in ("train", "eval"):
        assert list((run / "span-example-gen" / "examples" / f"Split-{split}").iterdir())
        assert (run / "statistics-gen" / "statistics" / f"Split-{split}" / "FeatureStats.pb").stat().st_size > 1000
    for name, key, said in (
        ("span-example-gen", "examples", {"custom:span": "2013-03", "window": "2013-01,2013-02,2013-03"}),
        ("statistics-gen", "statistics", {"split_names": '["train", "eval"]'}),
        ("production-model", "model", {"version": 0}),
    ):
        report = Path("gs:") / run.relative_to(machine / "gcs") / name / "executor_output.json"
        [artifact] = json.loads(report.read_text())["artifacts"][key]["artifacts"]
        assert artifact["uri"] == f"gs://my-bucket/pipelines/{run.name}/{name}/{key}"
        assert said.items() <= artifact["metadata"].items()
