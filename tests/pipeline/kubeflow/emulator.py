"""Stands in for KFP's driver, launcher and object store: runs the commands of a compiled package as processes.

What it does follows kubeflow/pipelines, backend/src/v2: driver/driver.go (provisionOutputs, resolveInputs),
component/launcher_v2.go (executeV2, downloadArtifacts, uploadOutputArtifacts), expression/expression.go (conditions),
compiler/argocompiler/dag.go (groups, exit handlers), and argo-workflows 3.7, workflow/controller/dag.go (what is omitted).
"""

import os
import shutil
import subprocess
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import celpy
import yaml
from conftest import REPOSITORY
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ArtifactList, ExecutorInput, ExecutorOutput, RuntimeArtifact

from tests import preloaded

SCHEMES = {"gs": "gcs", "s3": "s3", "minio": "minio"}
TASK_SECONDS = 900  # after which a task is taken to hang


@dataclass
class Task:
    """What became of a task: "done", "failed", "skipped" (its condition is false) or "omitted" (something before it failed).

    Attributes:
        seconds: of the container.
        output: what the container said.
    """

    name: str
    state: str
    seconds: float = 0.0
    code: int | None = None
    output: str = ""


@dataclass
class Cluster:
    """A cluster's object store and machines, in folders of this one.

    Attributes:
        store: the buckets, a folder each.
        machines: below it each task gets a folder of its own, gone when it ends.
        at_once: tasks that run side by side.
    """

    store: Path
    machines: Path
    at_once: int = 2
    outputs: dict[str, dict[str, RuntimeArtifact]] = field(default_factory=dict)
    last_run: str = ""

    def run(self, package: Path, **parameters: Any) -> dict[str, Task]:
        """Runs every task whose turn comes, as the run `last_run`. Returns them by name, in the order in which they ended."""
        spec, *_ = yaml.safe_load_all(package.read_text())
        tasks = spec["root"]["dag"]["tasks"]
        self.last_run, self.outputs = str(uuid.uuid4()), {}
        stated = {name: each.get("defaultValue") for name, each in spec["root"]["inputDefinitions"]["parameters"].items()}
        [(handler, closing)] = [(name, task) for name, task in tasks.items() if is_exit_handler(task)]
        [group] = closing["dependentTasks"]
        given = resolved(
            tasks[group], spec["components"][tasks[group]["componentRef"]["name"]], stated | parameters, self.last_run
        )
        ended = self._group(spec, spec["components"][tasks[group]["componentRef"]["name"]]["dag"]["tasks"], given)
        ended[handler] = self._task(spec, closing, stated | parameters)
        return ended

    def _group(self, spec: dict, tasks: dict, parameters: dict[str, Any]) -> dict[str, Task]:
        """Runs the tasks of a group. A task that failed or was skipped leaves out what waits for it, and nothing else."""
        ended: dict[str, Task] = {}
        running: dict[Future, str] = {}
        with ThreadPoolExecutor(self.at_once) as pool:
            while len(ended) < len(tasks):
                for name, task in tasks.items():
                    before = [ended[each].state for each in task["dependentTasks"] if each in ended]
                    if name in ended or name in running.values():
                        continue
                    if any(state != "done" for state in before):
                        ended[name] = Task(name, "omitted")
                    elif len(before) == len(task["dependentTasks"]):
                        running[pool.submit(self._task, spec, task, parameters)] = name
                if running:
                    self._collect(running, ended)
        return ended

    def _collect(self, running: dict[Future, str], ended: dict[str, Task]) -> None:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            ended[running.pop(future)] = future.result()

    def _task(self, spec: dict, task: dict, parameters: dict[str, Any]) -> Task:
        name = task["taskInfo"]["name"]
        component = spec["components"][task["componentRef"]["name"]]
        given = ExecutorInput()
        for key, value in resolved(task, component, parameters, self.last_run).items():
            json_format.ParseDict(value, given.inputs.parameter_values[key])
        for key, source in task["inputs"].get("artifacts", {}).items():
            producer = source["taskOutputArtifact"]
            artifact = self.outputs[producer["producerTask"]][producer["outputArtifactKey"]]
            given.inputs.artifacts[key].artifacts.append(artifact)
        if not holds(task.get("triggerPolicy", {}).get("condition", ""), given):
            return Task(name, "skipped")
        place = f"{spec['defaultPipelineRoot']}/{spec['pipelineInfo']['name']}/{self.last_run}/{name}/{uuid.uuid4()}"
        for key, stated in component.get("outputDefinitions", {}).get("artifacts", {}).items():
            artifact = RuntimeArtifact(uri=f"{place}/{key}")
            json_format.ParseDict(stated["artifactType"], artifact.type)
            given.outputs.artifacts[key].artifacts.append(artifact)
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        return self._launch(name, container, given)

    def _launch(self, name: str, container: dict, given: ExecutorInput) -> Task:
        """Downloads, runs the command, uploads, records, as the launcher in the task's pod does."""
        machine = self.machines / f"{name}-{uuid.uuid4().hex}"
        machine.mkdir(parents=True)
        given.outputs.output_file = str(machine / "kfp_outputs" / "output_metadata.json")
        try:
            for artifacts in given.inputs.artifacts.values():
                copy_files(self._stored(artifacts), mounted(machine, artifacts))
            for artifacts in given.outputs.artifacts.values():
                mounted(machine, artifacts).parent.mkdir(parents=True, exist_ok=True)
            message = json_format.MessageToJson(given)
            command = [part.replace("{{$}}", message) for part in [*container["command"], *container.get("args", [])]]
            task = execute(name, command, machine)
            if task.code == 0:
                self._publish(name, given, machine)
            return task
        finally:
            shutil.rmtree(machine)

    def _publish(self, name: str, given: ExecutorInput, machine: Path) -> None:
        path = Path(given.outputs.output_file)
        report = json_format.Parse(path.read_text() if path.exists() else "{}", ExecutorOutput())
        self.outputs[name] = {}
        for key, artifacts in given.outputs.artifacts.items():
            [artifact], [said] = artifacts.artifacts, report.artifacts[key].artifacts
            assert said.uri == artifact.uri, "the launcher would upload from elsewhere"
            copy_files(mounted(machine, artifacts), self._stored(artifacts))
            # The backend gives types back empty, no name, and a name to show among the properties.
            artifact.metadata.update(json_format.MessageToDict(said.metadata) | {"display_name": key})
            artifact.type.instance_schema = ""
            self.outputs[name][key] = artifact

    def _stored(self, artifacts: ArtifactList) -> Path:
        return self.store / artifacts.artifacts[0].uri.partition("://")[2]


def mounted(machine: Path, artifacts: ArtifactList) -> Path:
    """Where the launcher puts an artifact on a machine."""
    scheme, _, place = artifacts.artifacts[0].uri.partition("://")
    return machine / SCHEMES[scheme] / place


def copy_files(source: Path, target: Path) -> None:
    """Files alone: object stores have no folders, so empty ones are lost."""
    for path in source.rglob("*"):
        if path.is_file():
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.relative_to(source))


def execute(name: str, command: list[str], machine: Path) -> Task:
    """The container: a process that sees the launcher's folders, and nothing that another task has left on its machine."""
    (machine / "tmp").mkdir()
    environment = os.environ | {"KFP_MOUNTS": str(machine), "TMPDIR": str(machine / "tmp")}
    command = [preloaded.PYTHON if part == "python" else part for part in command]
    start = time.monotonic()
    with (machine / "log").open("w+") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
        try:
            process.wait(TASK_SECONDS)
        finally:
            process.kill()
        log.seek(0)
        said = log.read()
    code = process.returncode
    return Task(name, "failed" if code else "done", time.monotonic() - start, code, said)


def is_exit_handler(task: dict) -> bool:
    """Whether it runs however the group that it waits for has ended. Argo runs it as a hook, which may take no output of it."""
    found = task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert not (found and task["inputs"].get("artifacts")), "the driver fails where a producer has not run"
    return found


def resolved(task: dict, component: dict, parameters: dict[str, Any], run_id: str) -> dict[str, Any]:
    """The values of a task's parameters, each of the declared type, as the driver insists."""
    kinds = {"STRING": str, "NUMBER_INTEGER": int | float, "NUMBER_DOUBLE": int | float}
    values = {}
    for key, source in task["inputs"].get("parameters", {}).items():
        if "componentInputParameter" in source:
            values[key] = parameters[source["componentInputParameter"]]
        else:
            constant = source["runtimeValue"]["constant"]
            values[key] = run_id if constant == "{{$.pipeline_job_uuid}}" else constant
        kind = component["inputDefinitions"]["parameters"][key]["parameterType"]
        assert isinstance(values[key], kinds[kind]), f"{key} is {values[key]!r}, declared {kind}"
    return values


def holds(condition: str, given: ExecutorInput) -> bool:
    """Evaluates a condition, in CEL, on the executor's input."""
    if not condition:
        return True
    environment = celpy.Environment()
    program = environment.program(environment.compile(condition))
    inputs = json_format.MessageToDict(given.inputs, preserving_proto_field_name=True)
    return bool(program.evaluate({"inputs": celpy.json_to_cel(inputs)}))
