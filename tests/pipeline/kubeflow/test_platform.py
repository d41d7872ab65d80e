"""What each node gets on the cluster, in the spec and in the platform document."""

import copy

import pytest
from google.protobuf.json_format import ParseDict
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from components.shared.errors import BadConfig, NotRunnable
from pipeline.kubeflow.oss import tasks_of
from pipeline.kubeflow.platform import check, check_nodes, executor_config, platform_spec, resources
from pipeline.shared.kubeflow import Accelerator, Pod
from tests.pipeline.kubeflow.packages import kubeflow_settings, package_of

GPU_NODE = {
    "cpu": "8",
    "memory": "32Gi",
    "retries": 3,
    "accelerator": {"type": "nvidia.com/gpu", "count": 2},
    "node_selector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
    "tolerations": [{"key": "nvidia.com/gpu"}, {"key": "team", "operator": "Equal", "value": "ml", "effect": "NoExecute"}],
    "secrets": [{"secret": "wandb", "key": "token", "env": "WANDB_API_KEY"}],
    "secret_files": [{"secret": "crosswind-signing", "path": "/etc/crosswind/signing"}],
    "volumes": [{"claim": "scratch", "path": "/scratch"}],
}


def test_requests_are_limits():
    assert resources(Pod(cpu="500m", memory="2Gi")) == {
        "resourceCpuLimit": "500m",
        "resourceCpuRequest": "500m",
        "resourceMemoryLimit": "2Gi",
        "resourceMemoryRequest": "2Gi",
    }
    assert resources(Pod()) == {}


def test_an_accelerator_is_a_kubernetes_resource_and_its_count_a_text():
    assert resources(Pod(accelerator=Accelerator(type="google.com/tpu", count=4))) == {
        "accelerator": {"resourceType": "google.com/tpu", "resourceCount": "4"}
    }


def test_the_executor_config_is_kfps_own():
    config = ParseDict(executor_config(kubeflow_settings(), Pod.model_validate(GPU_NODE), 10800), KubernetesExecutorConfig())
    mounts = {mount.mount_path: mount.pvc_name_parameter.runtime_value.constant.string_value for mount in config.pvc_mount}
    assert mounts == {"/mnt/crosswind": "crosswind", "/scratch": "scratch"}
    assert config.active_deadline_seconds == 10800
    assert config.pod_metadata.annotations == {"gke-gcsfuse/volumes": "true"}
    assert config.node_selector.labels == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    tolerations = [(each.key, each.operator, each.value, each.effect) for each in config.tolerations]
    assert tolerations == [("nvidia.com/gpu", "Exists", "", "NoSchedule"), ("team", "Equal", "ml", "NoExecute")]
    [secret] = config.secret_as_env
    assert secret.secret_name_parameter.runtime_value.constant.string_value == "wandb"
    assert [(each.secret_key, each.env_var) for each in secret.key_to_env] == [("token", "WANDB_API_KEY")]
    [files] = config.secret_as_volume
    assert files.secret_name_parameter.runtime_value.constant.string_value == "crosswind-signing"
    assert files.mount_path == "/etc/crosswind/signing"


def test_what_is_not_stated_is_not_in_the_document():
    assert executor_config(kubeflow_settings(annotations={}), Pod(), 0).keys() == {"pvcMount"}


def test_the_compiled_package_has_it_at_the_node_that_asks(tmp_path):
    stated = "{cpu = '8', accelerator = {type = 'nvidia.com/gpu', count = 2}, node_selector = {gpu = 'l4'}, retries = 3}"
    package = package_of(tmp_path / "pipeline.yaml", f"kubeflow.nodes={{Trainer = {stated}}}")
    spec = ParseDict(package.spec, PipelineSpec())
    executors = spec.deployment_spec["executors"]
    trainer = executors["exec-trainer"]["container"]["resources"]
    assert trainer["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert (trainer["resourceCpuLimit"], trainer["resourceMemoryLimit"]) == ("8", "8Gi")  # the memory is config.toml's
    assert executors["exec-evaluator"]["container"]["resources"]["resourceCpuLimit"] == "1"
    nodes = spec.components["comp-nodes"].dag.tasks
    retry = nodes["trainer"].retry_policy
    assert (retry.max_retry_count, retry.backoff_duration.seconds, retry.backoff_factor) == (3, 60, 2.0)
    assert not nodes["data-gate"].HasField("retry_policy")  # as config.toml says, of another node
    configs = package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert configs["exec-trainer"]["nodeSelector"] == {"labels": {"gpu": "l4"}}
    assert "nodeSelector" not in configs["exec-evaluator"]


def test_each_pod_has_the_time_of_a_local_node(tmp_path, package):
    for found, expected in ((package, {"10800"}), (package_of(tmp_path / "pipeline.yaml", "run.max_seconds=0"), {None})):
        configs = found.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
        assert {config.get("activeDeadlineSeconds") for config in configs} == expected


def test_no_retries_is_no_policy(package):
    assert "retryPolicy" not in tasks_of(package.spec)["data-gate"]


@pytest.mark.parametrize(
    ("where", "name"),
    [({"nodes": {"Trainr": {"cpu": "1"}}}, "Trainr"), ({"nodes": {}, "remote": ["BulkInferrer"]}, "BulkInferrer")],
)
def test_a_node_that_the_dag_does_not_have_is_refused(where, name):
    with pytest.raises(BadConfig, match=rf"\[kubeflow\] names {name}, which the DAG does not have.*Trainer"):
        check_nodes(kubeflow_settings(**where), ["Trainer", "Evaluator"])


def test_a_wrong_key_planted_in_the_platform_document_is_refused(package):
    platform = copy.deepcopy(package.platform)
    platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-trainer"]["nodeSelectors"] = {}
    with pytest.raises(NotRunnable, match=r"exec-trainer is not a KubernetesExecutorConfig.*nodeSelectors"):
        check(package.spec, platform)


def test_a_document_for_an_executor_that_is_not_there_is_refused(package):
    with pytest.raises(NotRunnable, match=r"has exec-tuner; expected executors of the pipeline alone"):
        check(package.spec, platform_spec(kubeflow_settings(), ["Tuner", "Trainer"], 0))
