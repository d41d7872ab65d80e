"""Add two tasks after the nodes: one whose state says that a model was published, and one that runs however they ended.

KFP's API tells the states of tasks and nothing about their outputs. Its exit handlers are tasks that wait for a group of tasks,
whether it succeeds or not, and may take none of its outputs: the driver refuses a producer that did not run
(kubeflow/pipelines, backend/src/v2/compiler/argocompiler/dag.go and backend/src/v2/driver/resolve.go).
"""

from components.shared.nodes import NodeId, Output
from pipeline.kubeflow.oss import COMPONENT, EXECUTOR, RUN_ID, Spec, task_name, tasks_of

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
    tasks, records = tasks_of(spec), f"{folder}/{RECORDS}"
    _hand_over(spec, records)
    source = {"taskOutputArtifact": {"producerTask": PUBLISHER, "outputArtifactKey": PUSHED}}
    tasks[PUBLISHED_TASK] = _task(PUBLISHED_TASK, [PUBLISHER], {"artifacts": {PUSHED: source}})
    tasks[PUBLISHED_TASK]["triggerPolicy"] = {"condition": IS_PUSHED}
    pushed = spec["components"][COMPONENT + PUBLISHER]["outputDefinitions"]["artifacts"][PUSHED]
    _add(spec, PUBLISHED_TASK, {"artifacts": {PUSHED: pushed}}, {"command": ["python", "-c", ""]})

    told = tasks[REPORT]["inputs"]["parameters"]
    given = {name: told[name] for name in ("settings", "reports")}
    given["run"] = {"runtimeValue": {"constant": RUN_ID}}
    given["records"] = {"runtimeValue": {"constant": records}}
    handler = _task(CLOSING_TASK, [NODES], {"parameters": given})
    handler["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    texts = {name: {"parameterType": "STRING"} for name in given}
    _add(spec, CLOSING_TASK, {"parameters": texts}, {"command": COMMAND, "args": ["{{$}}"]})

    parameters = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    stated = {name: {"parameterType": each["parameterType"]} for name, each in parameters.items()}
    spec["components"][COMPONENT + NODES] = {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": stated}}
    group = _task(NODES, [], {"parameters": {name: {"componentInputParameter": name} for name in stated}})
    spec["root"]["dag"]["tasks"] = {NODES: group, CLOSING_TASK: handler}
    return spec


def _hand_over(spec: Spec, records: str) -> None:
    """Tell each node which of its outputs the closing report may need: those that the run's report reads."""
    read = [source["taskOutputArtifact"] for source in tasks_of(spec)[REPORT]["inputs"]["artifacts"].values()]
    for name in tasks_of(spec):
        wanted = sorted(each["outputArtifactKey"] for each in read if each["producerTask"] == name)
        container = spec["deploymentSpec"]["executors"][EXECUTOR + name]["container"]
        container["args"] += [f"--records={records}", *(f"--hand_over={key}" for key in wanted)]


def _task(name: str, after: list[str], inputs: Spec) -> Spec:
    return {
        "taskInfo": {"name": name},
        "componentRef": {"name": COMPONENT + name},
        "dependentTasks": after,
        "cachingOptions": {},
        "inputs": inputs,
    }


def _add(spec: Spec, name: str, takes: Spec, container: Spec) -> None:
    """Add the component and the executor of a task, in the image of the nodes."""
    executors = spec["deploymentSpec"]["executors"]
    spec["components"][COMPONENT + name] = {"executorLabel": EXECUTOR + name, "inputDefinitions": takes}
    image = executors[EXECUTOR + REPORT]["container"]["image"]
    executors[EXECUTOR + name] = {"container": container | {"image": image}}
