"""Find references in a PipelineSpec that lead nowhere. KFP's backend finds them when the task's turn comes, hours later."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

RUN_ID = "{{$.pipeline_job_uuid}}"  # a parameter of this value gets the run's id from the driver
CONDITION_INPUT = re.compile(r"inputs\.artifacts\['([^']+)'\]")


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each reference that leads nowhere."""
    found = [problem for name, task in tasks_of(spec).items() for problem in _of_task(spec, name, task)]
    executors = spec["deploymentSpec"]["executors"]
    found += [
        f"component {name} has the executor {component.get('executorLabel')}, which is not there"
        for name, component in spec["components"].items()
        if "dag" not in component and component.get("executorLabel") not in executors
    ]
    return found


def tasks_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return all tasks by name, those in groups of tasks included."""
    dags = [spec["root"], *spec["components"].values()]
    return {name: task for each in dags for name, task in each.get("dag", {}).get("tasks", {}).items()}


def _of_task(spec: Mapping[str, Any], name: str, task: Mapping[str, Any]) -> Iterator[str]:
    tasks, inputs = tasks_of(spec), task.get("inputs", {})
    for upstream in task.get("dependentTasks", []):
        if upstream not in tasks:
            yield f"{name} waits for {upstream}, which is not there"
    reference = task.get("componentRef", {}).get("name")
    if (component := spec["components"].get(reference)) is None:
        yield f"{name} is a {reference}, which is not there"
        return
    wanted = component.get("inputDefinitions", {})
    for kind in ("artifacts", "parameters"):
        stated, given = wanted.get(kind, {}), inputs.get(kind, {})
        for key in sorted(stated.keys() - given.keys()):
            if not stated[key].get("isOptional") and "defaultValue" not in stated[key]:
                yield f"{name} needs {key}, and nothing is given"
        for key in sorted(given.keys() - stated.keys()):
            yield f"{name} is given {key}, which its component does not take"
    for key, source in inputs.get("artifacts", {}).items():
        yield from _of_producer(spec, f"{name} takes {key}", source.get("taskOutputArtifact", {}), "artifacts")
    for key, source in inputs.get("parameters", {}).items():
        yield from _of_parameter(spec, f"{name} takes {key}", source)
    for key in CONDITION_INPUT.findall(task.get("triggerPolicy", {}).get("condition", "")):
        if key not in inputs.get("artifacts", {}):
            yield f"the condition of {name} asks for {key}, which it is not given"


def _of_producer(spec: Mapping[str, Any], what: str, source: Mapping[str, str], kind: str) -> Iterator[str]:
    producer, key = source.get("producerTask"), source.get("outputArtifactKey") or source.get("outputParameterKey")
    if producer not in (tasks := tasks_of(spec)):
        yield f"{what} from {producer}, which is not there"
        return
    component = spec["components"].get(tasks[producer].get("componentRef", {}).get("name"), {})
    if key not in component.get("outputDefinitions", {}).get(kind, {}):
        yield f"{what} from {producer}, which has no output {key}"


def _of_parameter(spec: Mapping[str, Any], what: str, source: Mapping[str, Any]) -> Iterator[str]:
    if "taskOutputParameter" in source:
        yield from _of_producer(spec, what, source["taskOutputParameter"], "parameters")
    elif "componentInputParameter" in source:
        parameter = source["componentInputParameter"]
        if parameter not in spec["root"].get("inputDefinitions", {}).get("parameters", {}):
            yield f"{what} from the pipeline's parameter {parameter}, which is not there"
    else:
        constant = source.get("runtimeValue", {}).get("constant")
        if constant is None:
            yield f"{what} from nowhere"
        elif "{{" in str(constant) and constant != RUN_ID:  # Argo and KFP would take it for a placeholder
            yield f"{what} as a text with {{{{ in it, which Argo would replace"
