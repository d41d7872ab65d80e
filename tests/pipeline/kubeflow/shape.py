"""The shape of a compiled package: who waits for whom, what goes from where to where, and what each node gets.

`python -m tests.pipeline.kubeflow.shape` writes golden.yaml anew, to be read before it is committed.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from pipeline.kubeflow.oss import tasks_of

GOLDEN = Path(__file__).with_name("golden.yaml")


def shape(spec: dict[str, Any], platform: dict[str, Any]) -> dict[str, Any]:
    """Everything but the constants that a node is given, and the texts that the compiler repeats."""
    groups = {name: each for name, each in {"root": spec["root"], **spec["components"]}.items() if "dag" in each}
    return {
        "pipeline": {key: spec[key] for key in ("defaultPipelineRoot", "pipelineInfo", "schemaVersion")},
        "parameters": spec["root"]["inputDefinitions"]["parameters"],
        "groups": {name: sorted(each["dag"]["tasks"]) for name, each in groups.items()},
        "tasks": {
            name: _task(spec, platform, task)
            for name, task in tasks_of(spec).items()
            if task["componentRef"]["name"] not in groups
        },
    }


def _task(spec: dict[str, Any], platform: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    component = spec["components"][task["componentRef"]["name"]]
    label = component["executorLabel"]
    container = spec["deploymentSpec"]["executors"][label]["container"]
    arguments = container.get("args", [])
    return {
        "dependentTasks": task["dependentTasks"],
        "trigger": task.get("triggerPolicy", {}),
        "inputs": {key: _producer(source) for key, source in task["inputs"].get("artifacts", {}).items()},
        "parameters": {key: _origin(source) for key, source in task["inputs"].get("parameters", {}).items()},
        "outputs": {
            key: yaml.safe_load(stated["artifactType"]["instanceSchema"])["title"]
            for key, stated in component.get("outputDefinitions", {}).get("artifacts", {}).items()
        },
        "executor": {"label": label, "command": container["command"], "class": arguments[1:2], "beam": arguments[6:]},
        "resources": container.get("resources", {}),
        "retryPolicy": task.get("retryPolicy", {}),
        "platform": platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label],
    }


def _producer(source: dict[str, Any]) -> str:
    return "{producerTask}.{outputArtifactKey}".format(**source["taskOutputArtifact"])


def _origin(source: dict[str, Any]) -> str:
    return f"the pipeline's {source['componentInputParameter']}" if "componentInputParameter" in source else "constant"


if __name__ == "__main__":
    import tempfile

    from tests.pipeline.kubeflow.packages import package_of

    with tempfile.TemporaryDirectory() as folder:
        made = package_of(Path(folder) / "pipeline.yaml")
    found = json.loads(json.dumps(shape(made.spec, made.platform)))  # nothing twice, so no YAML alias
    GOLDEN.write_text(yaml.safe_dump(found), encoding="utf-8")
