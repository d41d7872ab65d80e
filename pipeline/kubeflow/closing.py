"""Add two tasks after the nodes: one whose state says that a model was published, and one that runs however they ended.

KFP's API tells the states of tasks and nothing about their outputs. Its exit handlers are tasks that wait for a group of tasks,
whether it succeeds or not, and may take none of its outputs: the driver refuses a producer that did not run
(kubeflow/pipelines, backend/src/v2/compiler/argocompiler/dag.go and backend/src/v2/driver/resolve.go).
"""

from components.shared.nodes import NodeId, Output
from pipeline.kubeflow.links import RUN_ID, tasks_of
from pipeline.kubeflow.oss import COMPONENT, EXECUTOR, Spec, task_name

PUBLISHED, CLOSING = "Published", "ClosingReport"  # as nodes are named in [kubeflow.nodes]
NODES, PUBLISHED_TASK, CLOSING_TASK = "nodes", "published", "closing-report"
REPORT, PUBLISHER, PUSHED = task_name(NodeId.RUN_REPORT), task_name(NodeId.PUBLISHER), Output.PUSHED_MODEL.key
IS_PUSHED = f"(inputs.artifacts['{PUSHED}'].artifacts[0].metadata['pushed'] == 1.0)"
COMMAND = ["python", "-m", "pipeline.kubeflow.closing_report"]
RECORDS = "records"  # below kubeflow.folder: what the nodes of a run leave for its closing report


def close(spec: Spec, folder: str) -> Spec:
    """Add both tasks to what `to_oss` gives, changed in place, and tell each node what to leave for the closing report.

    Args:
        spec: all its tasks are the root's.
        folder: the volume that every node mounts.
    """
    tasks = tasks_of(spec)
    _hand_over(spec, f"{folder}/{RECORDS}")
    image = spec["deploymentSpec"]["executors"][EXECUTOR + REPORT]["container"]["image"]
    pushed = spec["components"][COMPONENT + PUBLISHER]["outputDefinitions"]["artifacts"][PUSHED]
    tasks[PUBLISHED_TASK] = _task(PUBLISHED_TASK, [PUBLISHER]) | {
        "inputs": {"artifacts": {PUSHED: _output(PUBLISHER, PUSHED)}},
        "triggerPolicy": {"condition": IS_PUSHED},
    }
    _add(spec, PUBLISHED_TASK, {"artifacts": {PUSHED: pushed}}, {"command": ["python", "-c", ""], "image": image})

    told = tasks[REPORT]["inputs"]["parameters"]
    handler = _task(CLOSING_TASK, [NODES]) | {
        "inputs": {
            "parameters": {
                "run": {"runtimeValue": {"constant": RUN_ID}},
                **{name: told[name] for name in ("settings", "reports")},
                "records": {"runtimeValue": {"constant": f"{folder}/{RECORDS}"}},
            }
        },
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    }
    texts = {name: {"parameterType": "STRING"} for name in handler["inputs"]["parameters"]}
    _add(spec, CLOSING_TASK, {"parameters": texts}, {"command": COMMAND, "args": ["{{$}}"], "image": image})

    root = spec["root"]
    parameters = root.get("inputDefinitions", {}).get("parameters", {})
    stated = {name: {"parameterType": each["parameterType"]} for name, each in parameters.items()}
    spec["components"][COMPONENT + NODES] = {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": stated}}
    group = _task(NODES, []) | {"inputs": {"parameters": {name: {"componentInputParameter": name} for name in stated}}}
    root["dag"]["tasks"] = {NODES: group, CLOSING_TASK: handler}
    return spec


def _hand_over(spec: Spec, records: str) -> None:
    """Tell each node which of its outputs the closing report may need: those that the run's report reads."""
    wanted: dict[str, list[str]] = {}
    for source in tasks_of(spec)[REPORT]["inputs"]["artifacts"].values():
        producer = source["taskOutputArtifact"]
        wanted.setdefault(producer["producerTask"], []).append(producer["outputArtifactKey"])
    for name, task in tasks_of(spec).items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        arguments = spec["deploymentSpec"]["executors"][label]["container"]["args"]
        arguments += [f"--records={records}", *(f"--hand_over={key}" for key in sorted(wanted.get(name, [])))]


def _task(name: str, after: list[str]) -> Spec:
    return {
        "taskInfo": {"name": name},
        "componentRef": {"name": COMPONENT + name},
        "dependentTasks": after,
        "cachingOptions": {},
    }


def _output(task: str, key: str) -> Spec:
    return {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}


def _add(spec: Spec, name: str, takes: Spec, container: Spec) -> None:
    """Add the component and the executor of a task."""
    spec["components"][COMPONENT + name] = {"executorLabel": EXECUTOR + name, "inputDefinitions": takes}
    spec["deploymentSpec"]["executors"][EXECUTOR + name] = {"container": container}
