"""Every overlay of serving/k8s, built by kustomize and checked against Kubernetes' schemas."""

import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml
from conftest import REPOSITORY

K8S = REPOSITORY / "serving" / "k8s"
OVERLAYS = ["local", "gke", "canary", "gpu", "kserve"]
pytestmark = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="kubectl is not installed; its kustomize builds the overlays"
)


@pytest.fixture(scope="module")
def objects() -> dict[str, list[dict]]:
    """The objects of each overlay."""
    return {name: build(name) for name in OVERLAYS}


def build(overlay: str) -> list[dict]:
    """Runs kustomize, which asks no cluster."""
    command = ["kubectl", "kustomize", str(K8S / "overlays" / overlay)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "warnings are findings"
    return list(yaml.safe_load_all(result.stdout))


def test_every_overlay_is_tested():
    assert sorted(OVERLAYS) == sorted(path.name for path in (K8S / "overlays").iterdir())


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(objects, overlay):
    for found in objects[overlay]:
        if found["kind"] == "InferenceService":
            found = as_pod(found)  # noqa: PLW2901
        kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


def as_pod(service: dict) -> dict:
    """What KServe's InferenceService shares with a pod; the schema of its own fields is not Kubernetes'."""
    predictor = service["spec"]["predictor"]
    own = {"model", "minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}
    model = {
        key: value for key, value in predictor["model"].items() if key not in ("modelFormat", "runtimeVersion", "storageUri")
    }
    pod = {key: value for key, value in predictor.items() if key not in own}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": service["metadata"],
        "spec": pod | {"containers": [model | {"name": "x"}]},
    }


def test_a_wrong_field_would_be_found(objects):
    deployment = of_kind(objects["gke"], "Deployment")[0]
    deployment["spec"]["template"]["spec"]["containers"][0]["readOnly"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)
    del deployment["spec"]["template"]["spec"]["containers"][0]["readOnly"]


def of_kind(found: list[dict], kind: str) -> list[dict]:
    return [each for each in found if each["kind"] == kind]


@pytest.mark.parametrize("overlay", ["local", "gke", "canary", "gpu"])
def test_pods_meet_the_restricted_standard(objects, overlay):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and more."""
    for deployment in of_kind(objects[overlay], "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert all(volume.keys() & {"configMap", "emptyDir", "persistentVolumeClaim", "csi"} for volume in pod["volumes"])
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"readinessProbe", "livenessProbe"} <= container.keys()
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"].get("limits", {})
            assert re.search(r":\d[\w.-]+$", container["image"]), "pinned"
            assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("overlay", ["local", "gke", "canary", "gpu"])
def test_names_and_labels_meet(objects, overlay):
    found = objects[overlay]
    deployments = {each["metadata"]["name"]: each for each in of_kind(found, "Deployment")}
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in deployments.values()]

    def selected(selector: dict) -> bool:
        return any(selector.items() <= each.items() for each in labels)

    assert all(selected(each["spec"]["selector"]) for each in of_kind(found, "Service"))
    assert all(selected(each["spec"]["selector"]["matchLabels"]) for each in of_kind(found, "PodDisruptionBudget"))
    assert all(selected(each["spec"]["podSelector"]["matchLabels"]) for each in of_kind(found, "NetworkPolicy"))
    assert all(each["spec"]["scaleTargetRef"]["name"] in deployments for each in of_kind(found, "HorizontalPodAutoscaler"))
    maps = {each["metadata"]["name"] for each in of_kind(found, "ConfigMap")}
    accounts = {each["metadata"]["name"] for each in of_kind(found, "ServiceAccount")}
    for deployment in deployments.values():
        pod = deployment["spec"]["template"]["spec"]
        assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} <= maps
        assert pod.get("serviceAccountName", "default") in accounts | {"default"}
        assert {each["metadata"]["namespace"] for each in found if "namespace" in each["metadata"]} == {"serving"}
    kinds = {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ConfigMap"}
    assert kinds <= {each["kind"] for each in found}


def test_the_server_is_compose_s(objects):
    """Flags and image, but for the seconds between polls."""
    compose = yaml.safe_load((REPOSITORY / "serving" / "docker-compose.yaml").read_text())["services"]["server"]
    (deployment,) = of_kind(objects["gke"], "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == compose["image"]
    assert container["command"] == compose["entrypoint"]
    assert {flag for flag in compose["command"] if "seconds" not in flag} <= set(container["args"])
    (kserve,) = objects["kserve"]
    assert container["image"] == f"tensorflow/serving:{kserve['spec']['predictor']['model']['runtimeVersion']}"


def test_the_gpu_overlay_shares_a_gpu(objects):
    (deployment,) = of_kind(objects["gpu"], "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"].endswith("-gpu")
    assert container["resources"]["limits"] == {"memory": "2Gi", "nvidia.com/gpu": 1}
    shared = int(pod["nodeSelector"]["cloud.google.com/gke-max-shared-clients-per-gpu"])
    (share,) = [float(flag.partition("=")[2]) for flag in container["args"] if "memory_fraction" in flag]
    assert share * shared < 1
