"""Turn the PipelineSpec that TFX compiles into one that the open-source backend of Kubeflow Pipelines accepts.

References that lead nowhere are refused here: the backend finds them when the task's turn comes, hours later.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.shared.errors import NotRunnable

Spec = dict[str, Any]  # a PipelineSpec as JSON has it

# A task's name becomes that of an Argo template, and a part of others: https://argo-workflows.readthedocs.io, DAGTask.
ARGO_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,62}")
COMPONENT, EXECUTOR = "comp-", "exec-"  # the prefixes in the specs of KFP's own compiler
RUN_ID = "{{$.pipeline_job_uuid}}"  # a parameter of this value gets the run's id from the driver
CONDITION_INPUT = re.compile(r"inputs\.artifacts\['([^']+)'\]")


def to_oss(spec: Mapping[str, Any], command: Sequence[str], defaults: Mapping[str, str], pipeline_root: str) -> Spec:
    """Give a spec names as Argo wants them, our command, no cache and no hooks; leave all else as TFX compiled it.

    KFP's cache is off in every task: its key has the names of the input artifacts, which are empty, and nothing of their
    content, so a new span would get the statistics of the old one
    (kubeflow/pipelines, backend/src/v2/cacheutils/cache.go).

    Args:
        spec: schema version 2.1.0, of TFX's KubeflowV2DagRunner.
        command: of every container, instead of TFX's; the arguments stay.
        defaults: of the pipeline's parameters, which TFX loses.
        pipeline_root: where KFP puts artifacts unless a run says otherwise.

    Raises:
        NotRunnable: the backend would refuse it, or run something else than is meant.
    """
    result = copy.deepcopy(dict(spec))
    executors = result["deploymentSpec"]["executors"]
    for label, executor in executors.items():
        if container := executor.get("container"):
            container.pop("lifecycle", None)  # an ExampleGen's driver, which the backend ignores
            container["command"] = list(command)
        elif not executor.get("importer"):
            raise NotRunnable(
                f"{label} is a {', '.join(executor) or 'nothing'}; expected a container. The open-source backend has no "
                "resolvers and no custom jobs: let a component of ours read what the node needs, as ProductionModel does."
            )
    for task in tasks_of(result).values():
        task["cachingOptions"] = {}
    parameters = result["root"].get("inputDefinitions", {}).get("parameters", {})
    if unknown := sorted(defaults.keys() - parameters.keys()):
        raise NotRunnable(f"No node takes the pipeline's {', '.join(unknown)}; expected a RuntimeParameter of that name.")
    for name, value in defaults.items():
        parameters[name]["defaultValue"] = value
    result["defaultPipelineRoot"] = pipeline_root
    _rename(result)
    if found := problems(result):
        raise NotRunnable("The compiled pipeline would not run on Kubeflow Pipelines:\n" + "\n".join(f"- {p}" for p in found))
    return result


def task_name(node: str) -> str:
    """Return a node's name as Argo wants it.

    >>> task_name("SpanExampleGen")
    'span-example-gen'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", "-", node).lower()


def _rename(spec: Spec) -> None:
    """Rename tasks, components and executors consistently. Raises NotRunnable."""
    components, executors = spec["components"], spec["deploymentSpec"]["executors"]
    labels = {component["executorLabel"]: EXECUTOR + task_name(name) for name, component in components.items()}
    for task in tasks_of(spec).values():
        task["taskInfo"]["name"] = task_name(task["taskInfo"]["name"])
        task["componentRef"]["name"] = COMPONENT + task_name(task["componentRef"]["name"])
        task["dependentTasks"] = sorted(task_name(name) for name in task.get("dependentTasks", []))
        for _, source in _inputs(task):
            if producer := _producer(source):
                producer["producerTask"] = task_name(producer["producerTask"])
    for component in components.values():
        component["executorLabel"] = labels[component["executorLabel"]]
    spec["root"]["dag"]["tasks"] = _with_keys(spec["root"]["dag"]["tasks"], task_name)
    spec["components"] = _with_keys(components, lambda name: COMPONENT + task_name(name))
    spec["deploymentSpec"]["executors"] = _with_keys(executors, lambda label: labels.get(label, EXECUTOR + task_name(label)))


def _with_keys(mapping: dict[str, Spec], name: Callable[[str], str]) -> dict[str, Spec]:
    renamed: dict[str, Spec] = {}
    for old, value in mapping.items():
        if not ARGO_NAME.fullmatch(name(old)):
            raise NotRunnable(
                f"{old} would be called {name(old)}; expected 63 of a-z, A-Z, 0-9 and - at most. Rename the node."
            )
        if name(old) in renamed:
            raise NotRunnable(f"Two nodes would be called {name(old)}, one of them {old}. Rename one of them with `with_id`.")
        renamed[name(old)] = value
    return renamed


def tasks_of(spec: Mapping[str, Any]) -> Spec:
    """Return all tasks by name, those in groups of tasks included."""
    dags = [spec["root"], *spec["components"].values()]
    return {name: task for each in dags for name, task in each.get("dag", {}).get("tasks", {}).items()}


def _inputs(task: Spec) -> Iterator[tuple[str, Spec]]:
    """Yield the key and the source of each artifact and parameter that a task is given."""
    for kind in ("artifacts", "parameters"):
        yield from task.get("inputs", {}).get(kind, {}).items()


def _producer(source: Spec) -> Spec | None:
    return source.get("taskOutputArtifact") or source.get("taskOutputParameter")


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each reference that leads nowhere."""
    executors = spec["deploymentSpec"]["executors"]
    found = [problem for name, task in tasks_of(spec).items() for problem in _of_task(spec, name, task)]
    for name, component in spec["components"].items():
        label = component.get("executorLabel")
        if "dag" not in component and label not in executors:
            found.append(f"component {name} has the executor {label}, which is not there")
    return found


def _of_task(spec: Mapping[str, Any], name: str, task: Spec) -> Iterator[str]:
    for upstream in sorted({*task.get("dependentTasks", [])} - tasks_of(spec).keys()):
        yield f"{name} waits for {upstream}, which is not there"
    reference = task["componentRef"]["name"]
    if reference not in spec["components"]:
        yield f"{name} is a {reference}, which is not there"
        return
    wanted = spec["components"][reference].get("inputDefinitions", {})
    stated, given = wanted.get("artifacts", {}) | wanted.get("parameters", {}), dict(_inputs(task))
    for key in sorted(stated.keys() - given.keys()):
        if not stated[key].get("isOptional") and "defaultValue" not in stated[key]:
            yield f"{name} needs {key}, and nothing is given"
    for key in sorted(given.keys() - stated.keys()):
        yield f"{name} is given {key}, which its component does not take"
    for key, source in given.items():
        if problem := _of_source(spec, source):
            yield f"{name} takes {key} {problem}"
    for key in CONDITION_INPUT.findall(task.get("triggerPolicy", {}).get("condition", "")):
        if key not in task.get("inputs", {}).get("artifacts", {}):
            yield f"the condition of {name} asks for {key}, which it is not given"


def _of_source(spec: Mapping[str, Any], source: Spec) -> str | None:
    if taken := _producer(source):
        producer, key = taken["producerTask"], taken.get("outputArtifactKey") or taken["outputParameterKey"]
        if (task := tasks_of(spec).get(producer)) is None:
            return f"from {producer}, which is not there"
        outputs = spec["components"].get(task["componentRef"]["name"], {}).get("outputDefinitions", {})
        known = any(key in each for each in outputs.values())
        return None if known else f"from {producer}, which has no output {key}"
    if parameter := source.get("componentInputParameter"):
        known = parameter in spec["root"].get("inputDefinitions", {}).get("parameters", {})
        return None if known else f"from the pipeline's parameter {parameter}, which is not there"
    constant = source.get("runtimeValue", {}).get("constant")
    if constant is None:
        return "from nowhere"
    replaced = "{{" in str(constant) and constant != RUN_ID  # Argo and KFP would take it for a placeholder
    return "as a text with {{ in it, which Argo would replace" if replaced else None
