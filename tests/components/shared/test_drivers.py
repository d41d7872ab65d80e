"""What the driver adds decides what TFX takes from its cache, in real runs of a node."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_driver
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline

from components.canary import component as canary
from components.shared import source_code, trace
from components.shared.drivers import CacheKeyDriver, named_files
from pipeline.local import local_dag
from tests.components.shared import whole_dag


@pytest.fixture
def run(tmp_path):
    """Runs a node on a schema in a root of its own; returns how it ended."""
    count = iter(range(100))

    def run(driver=CacheKeyDriver) -> str:
        node = ImportSchemaGen(str(tmp_path / "schema.pbtxt"))
        node.driver_class = driver
        metadata = tmp_path / "metadata.db"
        pipeline = Pipeline(
            pipeline_name="small",
            pipeline_root=str(tmp_path / "artifacts"),
            components=[node],
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(str(metadata)),
        )
        name = str(next(count))
        local_dag.run(pipeline, name)
        return trace.read(trace.open_store(metadata), name).executions["ImportSchemaGen"].state

    return run


def test_an_edit_of_a_file_that_a_parameter_names_counts_and_undoing_it_too(run, tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("# 1")
    status = schema.stat()
    assert (run(), run()) == ("done", "cached")
    schema.write_text("# 2")
    os.utime(schema, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (run(), run()) == ("done", "cached")
    schema.write_text("# 1")
    assert run() == "cached"


def test_another_release_of_a_library_counts(run, tmp_path, monkeypatch):
    (tmp_path / "schema.pbtxt").touch()
    assert (run(), run()) == ("done", "cached")
    monkeypatch.setattr(source_code, "versions", lambda: {"numpy": "3"})
    assert run() == "done"


def test_without_the_driver_tfx_misses_an_edit(run, tmp_path):
    """Why there is one: when this fails, TFX has learned it."""
    (tmp_path / "schema.pbtxt").write_text("# 1")
    assert run(base_driver.BaseDriver) == "done"
    (tmp_path / "schema.pbtxt").write_text("# 2")
    assert run(base_driver.BaseDriver) == "cached"


NODES = {
    "value.py": "VALUE = 1\n",
    "nodes.py": """
from pathlib import Path
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Integer
from edited.value import VALUE

@component
def Make(number: OutputArtifact[Integer]) -> None:
    number.value = VALUE

@component
def Edit(path: Parameter[str], text: Parameter[str]) -> None:
    Path(path).write_text(text)
""",
}


@pytest.fixture
def run_edited(tmp_path, monkeypatch):
    """Runs `Make` as a new process would, after an `Edit` of what it imports if one is given; returns how it ended, and what
    it made."""
    (tmp_path / "edited").mkdir()
    for name, source in NODES.items():
        (tmp_path / "edited" / name).write_text(source)
    monkeypatch.setattr(source_code, "CHECKOUT", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python tells edits within a second apart by their size alone
    names = iter("abc")

    def run(edit: str = "") -> tuple[str, int]:
        forget()
        nodes = importlib.import_module("edited.nodes")
        make = nodes.Make()
        make.driver_class = CacheKeyDriver
        before = [nodes.Edit(path=str(tmp_path / "edited" / "value.py"), text=edit)] if edit else []
        make.add_upstream_nodes(before)
        name, metadata = next(names), tmp_path / "metadata.db"
        small = Pipeline(
            pipeline_name="small",
            pipeline_root=str(tmp_path / "artifacts"),
            components=[*before, make],
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(str(metadata)),
        )
        local_dag.run(small, name)
        found = trace.read(trace.open_store(metadata), name)
        made = found.executions["Make"]
        return made.state, int(Path(made.outputs["number"][0].uri).read_text())

    yield run
    forget()


def forget() -> None:
    """What a process does not know when it starts."""
    source_code.at_start.cache_clear()
    for name in ("edited", "edited.nodes", "edited.value"):
        sys.modules.pop(name, None)


def test_an_edit_while_an_earlier_node_runs_counts_in_the_next_run_and_is_not_taken_for_what_ran(run_edited, tmp_path):
    assert run_edited("VALUE = 2\n") == ("done", 1)
    assert run_edited() == ("done", 2)
    (tmp_path / "edited" / "value.py").write_text("VALUE = 1\n")
    assert run_edited() == ("cached", 1)


def test_what_the_nodes_of_the_dag_import_of_the_project_is_imported_when_it_is_created():
    """An import later would be of what is edited meanwhile, under the key of what was there before."""
    code = """
import sys
from components.shared import source_code
from pipeline import config, dag
nodes = dag.create_pipeline(config.load(), "2013-03", trials=1).components
modules = {path for each in [*(node.type for node in nodes), dag.TRAINING, dag.TUNING] for path in source_code.files(each)}
names = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in modules}
print(len(names), sorted(names - set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=True)
    count, _, late = done.stdout.splitlines()[-1].partition(" ")
    assert int(count) > 50
    assert late == "[]"


@pytest.mark.parametrize("validator", ["process", "docker"])
def test_every_node_of_the_dag_has_the_driver(validator):
    nodes = whole_dag.nodes(validator)
    assert len(nodes) > 16
    assert [node.id for node in nodes if not issubclass(node.driver_class, CacheKeyDriver)] == []


def test_files_are_known_by_what_is_in_them(tmp_path):
    (tmp_path / "key.pem").write_text("a")
    texts = {
        "public_key": str(tmp_path / "key.pem"),
        "folder": str(tmp_path),
        "columns": '{"returned": "int64"}' * 1000,
        "rows": 7,
    }
    before = named_files(texts)
    assert list(before) == ["public_key"]
    (tmp_path / "key.pem").write_text("b")
    assert named_files(texts) != before


def test_a_module_of_the_local_server_and_another_program_count_for_the_canary(tmp_path):
    def outside(*command: str) -> str:
        return canary.Driver(None).outside({"command": json.dumps(command)})

    assert outside("python", "-m", "serving.local_server") == source_code.digest("serving.local_server")
    assert outside("python", "-m", "serving.local_server") != outside("python", "-m", "serving.batch")
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    before = outside(str(program), "--port={port}")
    program.write_text("#!/bin/sh\nexit\n")
    assert outside(str(program), "--port={port}") != before
    assert outside("no-such-server") == ""


def test_files_that_the_canarys_command_names_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script, batching = tmp_path / "srv.py", tmp_path / "batching.txt"
    commands = (
        ["python", "srv.py"],
        ["python", str(script), f"--batching_parameters_file={batching}"],
        ["python", "-m", "serving.local_server", f"--batching_parameters_file={batching}"],
    )
    for command in commands:
        script.write_text("1")
        batching.write_text("1")
        given = {"command": json.dumps(command)}
        before = canary.Driver(None).outside(given)
        assert canary.Driver(None).outside(given) == before
        (batching if len(command) > 2 else script).write_text("2")
        assert canary.Driver(None).outside(given) != before
