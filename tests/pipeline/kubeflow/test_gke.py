"""The manifests of pipeline/kubeflow/gke, built by kustomize, against Kubernetes' schemas, the configuration and serving's."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from conftest import REPOSITORY

from pipeline.kubeflow.oss import tasks_of
from pipeline.shared.kubeflow import Kubeflow, Pod
from tests.pipeline.checkout import configured
from tests.pipeline.kubeflow.packages import package_of

GKE = REPOSITORY / "pipeline" / "kubeflow" / "gke"
KUSTOMIZATIONS = ["base", "overlays/cronjob"]
README = (GKE / "README.md").read_text(encoding="utf-8")
needs_kubectl = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="kubectl is not installed; its kustomize builds the manifests"
)


@pytest.fixture(scope="module")
def objects() -> dict[str, list[dict]]:
    """The objects of each kustomization."""
    return {name: build(GKE / name) for name in KUSTOMIZATIONS}


@pytest.fixture(scope="module")
def settings() -> Kubeflow:
    return configured().kubeflow


def build(folder: Path) -> list[dict]:
    """Runs kustomize, which asks no cluster."""
    result = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "warnings are findings"
    return list(yaml.safe_load_all(result.stdout))


def the(kind: str, found: list[dict]) -> dict:
    """The only object of this kind."""
    (one,) = [each for each in found if each["kind"] == kind]
    return one


def validate(found: dict) -> None:
    kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


def test_every_kustomization_is_tested():
    assert sorted(KUSTOMIZATIONS) == sorted(str(path.parent.relative_to(GKE)) for path in GKE.rglob("kustomization.yaml"))


@needs_kubectl
@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_every_object_is_valid(objects, name):
    for found in objects[name]:
        validate(found)


@needs_kubectl
def test_a_wrong_field_would_be_found(objects):
    for kind, wrong in [("PersistentVolume", {"mountOption": []}), ("CronJob", {"concurrency": "Forbid"})]:
        found = the(kind, objects["overlays/cronjob"])
        with pytest.raises(kubernetes_validate.ValidationError):
            validate(found | {"spec": found["spec"] | wrong})


@needs_kubectl
@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_the_volume_and_its_claim_meet_and_are_the_configured_one(objects, settings, name):
    volume, claim = the("PersistentVolume", objects[name]), the("PersistentVolumeClaim", objects[name])
    assert volume["spec"]["claimRef"] == {"namespace": settings.namespace, "name": settings.claim}
    assert claim["metadata"] == {"namespace": settings.namespace, "name": settings.claim}
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    for key in ("accessModes", "storageClassName"):
        assert claim["spec"][key] == volume["spec"][key]
    assert claim["spec"]["resources"]["requests"] == volume["spec"]["capacity"]
    assert settings.annotations == {"gke-gcsfuse/volumes": "true"}, "without it the driver's sidecar is missing"


@needs_kubectl
@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_the_launcher_s_root_is_the_configured_one_in_the_bucket_of_the_volume(objects, settings, name):
    launcher, volume = the("ConfigMap", objects[name]), the("PersistentVolume", objects[name])
    assert launcher["metadata"] == {"namespace": settings.namespace, "name": "kfp-launcher"}
    root = launcher["data"]["defaultPipelineRoot"]
    assert root == settings.pipeline_root
    assert root.startswith(f"gs://{volume['spec']['csi']['volumeHandle']}/")
    assert yaml.safe_load(launcher["data"]["providers"]) == {"gs": {"default": {"credentials": {"fromEnv": True}}}}


@needs_kubectl
def test_serving_mounts_what_the_pipeline_publishes(objects, settings):
    volume = the("PersistentVolume", objects["base"])["spec"]
    assert not any("only-dir" in option for option in volume["mountOptions"]), "the whole bucket is the folder"
    deployment = the("Deployment", build(REPOSITORY / "serving" / "k8s" / "overlays" / "gke"))
    pod = deployment["spec"]["template"]["spec"]
    (models,) = [each["csi"] for each in pod["volumes"] if "csi" in each]
    assert models["driver"] == volume["csi"]["driver"]
    assert models["volumeAttributes"]["bucketName"] == volume["csi"]["volumeHandle"]
    (folder,) = re.findall(r"only-dir=([^,]+)", models["volumeAttributes"]["mountOptions"])
    published = configured(f"run.root={settings.folder}").serving_folder
    assert published.parent == Path(settings.folder, folder)
    user = f"uid={pod['securityContext']['runAsUser']}"
    assert user in volume["mountOptions"]
    assert user in models["volumeAttributes"]["mountOptions"]


@needs_kubectl
def test_the_cron_job_starts_one_run_a_day_and_never_two(objects):
    job = the("CronJob", objects["overlays/cronjob"])["spec"]
    minute, hour, *rest = job["schedule"].split()
    assert minute.isdecimal() and hour.isdecimal() and rest == ["*", "*", "*"]
    assert job["timeZone"] == "Etc/UTC"
    assert job["concurrencyPolicy"] == "Forbid"
    assert job["startingDeadlineSeconds"] < 24 * 60 * 60
    assert job["jobTemplate"]["spec"]["backoffLimit"] == 0
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["command"] == ["python", "-m", "pipeline.kubeflow_runner", "run", "--wait"]
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] > configured().schedule.max_hours * 3600


@needs_kubectl
def test_the_cron_job_runs_the_image_of_the_nodes(objects, settings):
    (container,) = the("CronJob", objects["overlays/cronjob"])["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == settings.image
    assert re.search(r":\d[\w.-]+$", container["image"]), "pinned"


@needs_kubectl
def test_the_cron_job_meets_the_restricted_standard(objects):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and more."""
    pod = the("CronJob", objects["overlays/cronjob"])["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert all(volume.keys() & {"projected", "emptyDir"} for volume in pod["volumes"])
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@needs_kubectl
def test_the_cron_job_reaches_kfp_with_a_token_for_it(objects, settings):
    found = objects["overlays/cronjob"]
    pod = the("CronJob", found)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {each["name"]: each["value"] for each in container["env"]}
    assert env["KF_PIPELINES_ENDPOINT"] == f"http://ml-pipeline.{settings.namespace}:8888"
    (token,) = [volume["projected"]["sources"][0]["serviceAccountToken"] for volume in pod["volumes"] if "projected" in volume]
    (mount,) = [each["mountPath"] for each in container["volumeMounts"] if each["name"] == "token"]
    assert token["audience"] == "pipelines.kubeflow.org"
    assert env["KF_PIPELINES_SA_TOKEN_PATH"] == f"{mount}/{token['path']}"

    binding, role, account = the("RoleBinding", found), the("Role", found), the("ServiceAccount", found)
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", **account["metadata"]}]
    assert binding["roleRef"]["kind"] == "Role"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert all(rule["apiGroups"] == ["pipelines.kubeflow.org"] for rule in role["rules"]), "nothing of the cluster's own"
    assert not any("*" in rule["resources"] + rule["verbs"] for rule in role["rules"])
    namespaces = {each["metadata"].get("namespace") for each in found if each["kind"] != "PersistentVolume"}
    assert namespaces == {settings.namespace}


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def gcloud_commands() -> list[str]:
    """Those of the README, each on one line, as they are in `$(…)` too."""
    lines = re.sub(r"\\\n\s*", "", "".join(blocks("console")))
    return re.findall(r"^(?:\w+=\$\()?(gcloud .+?)\)?$", lines, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed; it checks the README's commands")
def test_gcloud_has_the_readme_s_commands_and_flags(tmp_path):
    wrong = "gcloud storage buckets create gs://my-bucket --hierarchical"
    file = tmp_path / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in [*gcloud_commands(), wrong]]))
    command = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = {each["command_string"]: each.get("error_message") for each in json.loads(result.stdout)}
    assert "unrecognized arguments: --hierarchical" in said.pop(wrong)
    assert len(said) == len(gcloud_commands())
    assert {command: error for command, error in said.items() if error} == {}


def test_the_readme_s_commands_are_shell_and_name_what_is_configured(settings):
    commands = "".join(blocks("console"))
    subprocess.run(["bash", "-n"], input=commands, text=True, check=True)
    assert f"docker push {settings.image}" in commands
    bucket = settings.pipeline_root.split("/")[2]
    spans = settings.spans.removeprefix(f"{settings.folder}/")
    assert f"gcloud storage rsync data/flights/spans gs://{bucket}/{spans} " in commands
    (kfp,) = re.findall(r'name = "kfp"\nversion = "(.+)"', (REPOSITORY / "uv.lock").read_text(encoding="utf-8"))
    assert set(re.findall(r"\?ref=([\d.]+)", commands)) == {kfp}, "the server of the client's version"


def test_the_readme_s_settings_are_ones_of_the_configuration():
    _, block = blocks("toml")
    trainer = Pod.model_validate(tomllib.loads(block)["kubeflow"]["nodes"]["Trainer"])
    (pool,) = [command for command in gcloud_commands() if "node-pools create gpu" in command]
    assert trainer.accelerator
    assert f"--node-taints={trainer.accelerator.type}=present:{trainer.tolerations[0].effect}" in pool
    assert trainer.tolerations[0].key == trainer.accelerator.type
    (gpu,) = trainer.node_selector.values()
    assert f"--accelerator=type={gpu},count={trainer.accelerator.count}," in pool


def test_the_readme_s_keys_are_where_each_node_that_needs_one_looks_and_nowhere_else(tmp_path):
    signing, _ = blocks("toml")
    stated = tomllib.loads(signing)
    nodes = {name: Pod.model_validate(node) for name, node in stated["kubeflow"]["nodes"].items()}
    created = re.findall(r"secret generic (\S+) --namespace=kubeflow --from-file=signing/(\S+)", README)
    files = {
        name: {f"{each.path}/{file}" for each in node.secret_files for secret, file in created if secret == each.secret}
        for name, node in nodes.items()
    }
    public, private = stated["publish"]["public_key"], stated["publish"]["signing_key"]
    both = {public, private}
    assert files == {"ProductionModel": {public}, "Publisher": both, "MobilePublisher": both}
    paths = [f"publish.{name}={path}" for name, path in stated["publish"].items()]
    package = package_of(tmp_path / "pipeline.yaml", *paths)
    told = {name: task["inputs"].get("parameters", {}) for name, task in tasks_of(package.spec).items()}
    asked = {name for name, parameters in told.items() if private in str(parameters.get("signing_key"))}
    assert asked == {"publisher", "mobile-publisher"}
    assert {name for name, parameters in told.items() if public in str(parameters.get("public_key"))} == asked | {
        "production-model"
    }
