"""Write what each node gets on the cluster: resources into the spec itself, all else into KFP's platform document."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from components.shared.errors import BadConfig, NotRunnable
from pipeline.kubeflow.oss import EXECUTOR, Spec, task_name, tasks_of
from pipeline.shared.kubeflow import Kubeflow, Pod, Volume


def check_nodes(settings: Kubeflow, nodes: Iterable[str]) -> None:
    """Check that the settings name only these nodes. Raises BadConfig."""
    nodes = list(nodes)
    if unknown := sorted({*settings.nodes, *settings.remote} - set(nodes)):
        raise BadConfig(
            f"[kubeflow] names {', '.join(unknown)}, which the DAG does not have. Expected some of {', '.join(nodes)}."
        )


def with_resources(spec: Spec, settings: Kubeflow, nodes: Iterable[str]) -> Spec:
    """Add CPU, memory and accelerators of each container to a spec, changed in place, and the retries of each task."""
    for name in nodes:
        node = settings.node(name)
        if found := resources(node):
            spec["deploymentSpec"]["executors"][EXECUTOR + task_name(name)]["container"]["resources"] = found
        if node.retries:
            tasks_of(spec)[task_name(name)]["retryPolicy"] = {
                "maxRetryCount": node.retries,
                "backoffDuration": "60s",
                "backoffFactor": 2.0,
                "backoffMaxDuration": "3600s",
            }
    return spec


def resources(node: Pod) -> dict[str, Any]:
    """Make a ResourceSpec. A pod may use exactly what it requests, so none is ended to make room for its neighbours."""
    found: dict[str, Any] = {}
    for name, quantity in (("Cpu", node.cpu), ("Memory", node.memory)):
        if quantity:
            found |= {f"resource{name}Limit": quantity, f"resource{name}Request": quantity}
    if node.accelerator:
        found["accelerator"] = {"resourceType": node.accelerator.type, "resourceCount": str(node.accelerator.count)}
    return found


def platform_spec(settings: Kubeflow, nodes: Iterable[str], max_seconds: int) -> Spec:
    """Make the second document of the compiled pipeline; a pod is ended after `max_seconds`, 0: never."""
    executors = {EXECUTOR + task_name(name): executor_config(settings, settings.node(name), max_seconds) for name in nodes}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def executor_config(settings: Kubeflow, node: Pod, max_seconds: int) -> dict[str, Any]:
    """Make a KubernetesExecutorConfig."""
    config: dict[str, Any] = {
        "pvcMount": [_mount(Volume(claim=settings.claim, path=settings.folder)), *map(_mount, node.volumes)],
        "podMetadata": {"annotations": settings.annotations},
        "activeDeadlineSeconds": str(max_seconds or ""),  # JSON keeps 64 bits as a text
        "nodeSelector": {"labels": node.node_selector},
        "tolerations": [toleration.model_dump() for toleration in node.tolerations],
        "secretAsEnv": [
            {"secretNameParameter": _constant(each.secret), "keyToEnv": [{"secretKey": each.key, "envVar": each.env}]}
            for each in node.secrets
        ],
        "secretAsVolume": [
            {"secretNameParameter": _constant(each.secret), "mountPath": each.path} for each in node.secret_files
        ],
    }
    return {key: value for key, value in config.items() if value and any(value.values() if isinstance(value, dict) else value)}


def check(spec: Spec, platform: Spec) -> None:
    """Check that both documents are what KFP declares, which silently ignores what it does not know. Raises NotRunnable."""
    configs = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    if unknown := sorted(set(configs) - set(spec["deploymentSpec"]["executors"])):
        raise NotRunnable(f"The platform document has {', '.join(unknown)}; expected executors of the pipeline alone.")
    documents = [("compiled pipeline", spec, PipelineSpec())]
    documents += [(f"platform document's {label}", config, KubernetesExecutorConfig()) for label, config in configs.items()]
    for name, document, declared in documents:
        try:
            ParseDict(document, declared)
        except ParseError as error:
            raise NotRunnable(f"The {name} is not a {declared.DESCRIPTOR.name}: {error}") from error


def _mount(volume: Volume) -> dict[str, Any]:
    return {"mountPath": volume.path, "pvcNameParameter": _constant(volume.claim)}


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}
