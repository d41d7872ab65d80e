"""Turn the PipelineSpec that TFX compiles into one that the open-source backend of Kubeflow Pipelines accepts."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.shared.errors import NotRunnable
from pipeline.kubeflow import links
from pipeline.kubeflow.links import tasks_of

Spec = dict[str, Any]  # a PipelineSpec as JSON has it

# A task's name becomes that of an Argo template, and a part of others: https://argo-workflows.readthedocs.io, DAGTask.
ARGO_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,62}")
COMPONENT, EXECUTOR = "comp-", "exec-"  # the prefixes in the specs of KFP's own compiler


def to_oss(spec: Mapping[str, Any], command: Sequence[str], defaults: Mapping[str, str], pipeline_root: str) -> Spec:
    """Give a spec names as Argo wants them, our command, no cache and no hooks; leave all else as TFX compiled it.

    KFP's cache is off in every task: its key has the names of the input artifacts, which are empty, and nothing of their
    content, so a new month would get the statistics of the old one
    (kubeflow/pipelines, backend/src/v2/cacheutils/cache.go).

    Args:
        spec: schema version 2.1.0, of TFX's KubeflowV2DagRunner.
        command: of every container, instead of TFX's; the arguments stay.
        defaults: of the pipeline's parameters, by name. TFX loses them.
        pipeline_root: where KFP puts artifacts unless a run says otherwise.

    Raises:
        NotRunnable: the backend would refuse it, or run something else than is meant.
    """
    result = copy.deepcopy(dict(spec))
    executors = result["deploymentSpec"]["executors"]
    for label, executor in executors.items():
        if not executor.get("container") and not executor.get("importer"):
            raise NotRunnable(
                f"{label} is a {', '.join(executor) or 'nothing'}; expected a container. The open-source backend has no "
                "resolvers and no custom jobs: let a component of ours read what the node needs, as ProductionModel does."
            )
        if container := executor.get("container"):
            container.pop("lifecycle", None)  # an ExampleGen's driver, which the backend ignores
            container["command"] = list(command)
    for task in tasks_of(result).values():
        task["cachingOptions"] = {}
    parameters = result["root"].get("inputDefinitions", {}).get("parameters", {})
    if unknown := sorted(defaults.keys() - parameters.keys()):
        raise NotRunnable(f"No node takes the pipeline's {', '.join(unknown)}; expected a RuntimeParameter of that name.")
    for name, value in defaults.items():
        parameters[name]["defaultValue"] = value
    result["defaultPipelineRoot"] = pipeline_root
    _rename(result)
    if problems := links.problems(result):
        raise NotRunnable(
            "The compiled pipeline would not run on Kubeflow Pipelines:\n" + "\n".join(f"- {p}" for p in problems)
        )
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
        for source in [*_sources(task, "artifacts"), *_sources(task, "parameters")]:
            source["producerTask"] = task_name(source["producerTask"])
    for component in components.values():
        component["executorLabel"] = labels[component["executorLabel"]]
    spec["root"]["dag"]["tasks"] = _with_keys(spec["root"]["dag"]["tasks"], task_name)
    spec["components"] = _with_keys(components, lambda name: COMPONENT + task_name(name))
    spec["deploymentSpec"]["executors"] = _with_keys(executors, lambda label: labels.get(label, EXECUTOR + task_name(label)))


def _sources(task: Spec, kind: str) -> list[Spec]:
    """List the references of a task's inputs to other tasks' outputs."""
    key = {"artifacts": "taskOutputArtifact", "parameters": "taskOutputParameter"}[kind]
    return [each[key] for each in task.get("inputs", {}).get(kind, {}).values() if key in each]


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
