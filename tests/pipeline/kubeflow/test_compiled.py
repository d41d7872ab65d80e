"""The compiled pipeline, as KFP's own definitions, KFP's own SDK and Argo's rules see it."""

import re

import celpy
import kfp.components
import pytest
import yaml
from google.protobuf.json_format import ParseDict
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import (
    ExecutorInput,
    PipelineDeploymentConfig,
    PipelineSpec,
    PlatformSpec,
    RuntimeArtifact,
)

from components.shared.errors import BadConfig
from pipeline.kubeflow import oss
from pipeline.kubeflow.compiled import COMMAND, compiled, in_cluster, write
from tests.pipeline.checkout import configured
from tests.pipeline.kubeflow.emulator import holds
from tests.pipeline.kubeflow.packages import Package, package_of
from tests.pipeline.kubeflow.shape import GOLDEN, shape

ARGO = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,62}")
IN_A_CONDITION = {"canary", "evaluator", "mobile-evaluator", "mobile-exporter", "mobile-publisher", "publisher"} | {
    "trainer",
    "transform",
}


def tasks(package: Package) -> dict:
    """Those with a container."""
    found = oss.tasks_of(package.spec)
    return {name: task for name, task in found.items() if "executorLabel" in package.spec["components"][f"comp-{name}"]}


def executors(package: Package) -> dict:
    return package.spec["deploymentSpec"]["executors"]


def test_both_documents_are_what_kfp_declares_and_nothing_else(package):
    """An unknown field would be an error."""
    spec = ParseDict(package.spec, PipelineSpec())
    assert len(spec.root.dag.tasks) == 2
    assert len(spec.components["comp-nodes"].dag.tasks) == 18
    deployment = ParseDict(package.spec["deploymentSpec"], PipelineDeploymentConfig())
    assert len(deployment.executors) == 19
    ParseDict(package.platform, PlatformSpec())
    for stated in package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        assert ParseDict(stated, KubernetesExecutorConfig()).pvc_mount[0].mount_path == "/mnt/crosswind"


def test_kfps_own_sdk_loads_it(package):
    loaded = kfp.components.load_component_from_file(str(package.path))
    assert loaded.name == "crosswind"
    assert list(loaded.component_spec.inputs) == ["span"]
    assert loaded.component_spec.inputs["span"].default == "newest"
    assert loaded.component_spec.inputs["span"].optional
    assert kfp.components.load_component_from_text(package.path.read_text()).pipeline_spec == loaded.pipeline_spec


def test_with_tfxs_own_executors_it_has_the_same_tasks(package, tmp_path):
    spec = package_of(tmp_path / "pipeline.yaml", "components.executors=stock").spec
    assert set(oss.tasks_of(spec)) == set(oss.tasks_of(package.spec))
    assert not re.search("components.columnar", yaml.safe_dump(spec))


def test_names_are_argos_and_say_what_they_are(package):
    for name, task in tasks(package).items():
        assert ARGO.fullmatch(name)
        assert task["taskInfo"]["name"] == name
        assert task["componentRef"]["name"] == f"comp-{name}"
        assert package.spec["components"][f"comp-{name}"]["executorLabel"] == f"exec-{name}"
    assert all(ARGO.fullmatch(name) for name in [*package.spec["components"], *executors(package)])


def test_every_reference_leads_somewhere(package):
    assert oss.problems(package.spec) == []


def test_what_a_task_takes_it_waits_for(package):
    for task in tasks(package).values():
        for source in task["inputs"].get("artifacts", {}).values():
            assert source["taskOutputArtifact"]["producerTask"] in task["dependentTasks"]


def test_schema_version_root_and_span(package):
    assert package.spec["schemaVersion"] == "2.1.0"
    assert package.spec["defaultPipelineRoot"] == "gs://my-bucket/pipelines"
    assert package.spec["root"]["inputDefinitions"]["parameters"] == {
        "span": {"parameterType": "STRING", "defaultValue": "newest"}
    }


def test_no_task_may_be_answered_from_kfps_cache(package):
    assert all(not task["cachingOptions"].get("enableCache") for task in tasks(package).values())


def test_every_container_has_the_image_our_command_and_no_hook(package):
    for executor in executors(package).values():
        container = executor["container"]
        assert container["image"] == configured().kubeflow.image
        assert "lifecycle" not in container
        if executor in (executors(package)["exec-published"], executors(package)["exec-closing-report"]):
            continue
        assert container["command"] == COMMAND
        assert "{{$}}" in container["args"]


def test_the_platform_document_names_executors_alone(package):
    """KFP takes no notice of other keys."""
    assert package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].keys() == executors(package).keys()


def test_the_shape_is_the_golden_one(package):
    golden = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))
    assert shape(package.spec, package.platform) == golden, (
        "The compiled pipeline has another shape. If that is meant, renew it with `python -m tests.pipeline.kubeflow.shape`, "
        "and read what `git diff` shows."
    )


def test_the_closing_report_runs_however_the_group_of_all_other_tasks_ends_and_takes_none_of_their_outputs(package):
    """KFP's driver fails where a producer has not run; a hook on each of many tasks would run as often."""
    root = package.spec["root"]["dag"]["tasks"]
    assert root.keys() == {"nodes", "closing-report"}
    closing = root["closing-report"]
    assert closing["dependentTasks"] == ["nodes"]
    assert closing["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert "artifacts" not in closing["inputs"]
    assert package.spec["components"]["comp-nodes"]["dag"]["tasks"].keys() == tasks(package).keys() - {"closing-report"}
    assert root["nodes"]["inputs"]["parameters"] == {"span": {"componentInputParameter": "span"}}


def test_a_task_s_state_says_that_a_model_was_published(package):
    published = tasks(package)["published"]
    for pushed in (0, 1):
        given = ExecutorInput()
        given.inputs.artifacts["pushed_model"].artifacts.append(RuntimeArtifact())
        given.inputs.artifacts["pushed_model"].artifacts[0].metadata.update({"pushed": pushed})
        assert holds(condition(published), given) is bool(pushed)


def test_each_node_leaves_what_the_report_reads_of_it(package):
    told = tasks(package)["run-report"]["inputs"]["artifacts"].values()
    read = {(each["taskOutputArtifact"]["producerTask"], each["taskOutputArtifact"]["outputArtifactKey"]) for each in told}
    handed = set()
    for name in tasks(package).keys() - {"published", "closing-report"}:
        arguments = executors(package)[f"exec-{name}"]["container"]["args"]
        assert "--records=/mnt/crosswind/records" in arguments
        handed |= {(name, each.removeprefix("--hand_over=")) for each in arguments if each.startswith("--hand_over=")}
    assert handed == read
    assert ("statistics-gen", "statistics") in read


@pytest.fixture(scope="module")
def on_drift(tmp_path_factory) -> Package:
    return package_of(tmp_path_factory.mktemp("drift") / "pipeline.yaml", "drift.policy=retrain_on_drift")


def condition(task: dict) -> str:
    return task.get("triggerPolicy", {}).get("condition", "")


def test_on_drift_what_makes_a_model_has_a_condition(on_drift):
    assert {name for name, task in tasks(on_drift).items() if condition(task)} == IN_A_CONDITION | {"published"}
    assert oss.problems(on_drift.spec) == []


@pytest.mark.parametrize(("retrain", "runs"), [(1, True), (0, False)])
def test_on_drift_kfps_expression_language_holds_by_the_reports_property(on_drift, retrain, runs):
    for name in IN_A_CONDITION:
        task = tasks(on_drift)[name]
        given = ExecutorInput()
        for key, source in task["inputs"]["artifacts"].items():
            if source["taskOutputArtifact"]["producerTask"] == "drift-monitor":
                given.inputs.artifacts[key].artifacts.append(RuntimeArtifact(uri="gs://my-bucket/report"))
                given.inputs.artifacts[key].artifacts[0].metadata.update({"retrain": retrain})
        assert holds(condition(task), given) is runs


def test_a_condition_on_a_property_that_is_not_there_is_an_error_and_no_false(on_drift):
    given = ExecutorInput()
    given.inputs.artifacts["_DriftMonitor.report"].artifacts.append(RuntimeArtifact())
    with pytest.raises(celpy.CELEvalError):
        holds(condition(tasks(on_drift)["transform"]), given)


def test_with_the_bulk_inferrer(tmp_path):
    package = package_of(tmp_path / "pipeline.yaml", "batch.bulk_inferrer=true")
    assert len(tasks(package)) == 20
    assert tasks(package)["bulk-inferrer"]["dependentTasks"] == ["evaluator", "span-example-gen", "trainer"]
    assert oss.problems(package.spec) == []


def test_with_a_warm_start_the_trainer_takes_the_model_in_production(tmp_path):
    package = package_of(tmp_path / "pipeline.yaml", "train.warm_start=true")
    source = tasks(package)["trainer"]["inputs"]["artifacts"]["base_model"]["taskOutputArtifact"]
    assert source == {"producerTask": "production-model", "outputArtifactKey": "model"}


def test_nodes_whose_beam_workers_are_elsewhere_leave_their_artifacts_in_the_bucket(tmp_path):
    settings = ['kubeflow.remote=["StatisticsGen", "Transform"]', 'beam.runner="dataflow"', 'beam.project="p"']
    settings += ['beam.region="r"', 'beam.temp_location="gs://b/tmp"', 'beam.image="gcr.io/p/i:1"']
    package = package_of(tmp_path / "pipeline.yaml", *settings)
    for label, executor in executors(package).items():
        if (arguments := executor["container"].get("args", []))[:1] != ["--executor_class_path"]:
            continue
        remote = label in ("exec-statistics-gen", "exec-transform")
        assert ("--uri_mode=remote" in arguments) is remote
        assert ("--runner=DataflowRunner" in arguments) is remote
        assert ("--runner=FnApiRunner" in arguments) is not remote


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (['canary.validator="docker"'], "TFX does not compile its InfraValidator"),
        (['data.schema="/home/me/schema.pbtxt"'], "expected a path in the checkout"),
        (['data.schema="../schema.pbtxt"'], "expected a path in the checkout"),
        (['drift.requests="logs"'], "expected a folder below /mnt/crosswind"),
        (['kubeflow.remote=["SpanExampleGen"]'], "SpanExampleGen is remote; expected a bucket"),
        (['beam.runner="flink"'], "kubeflow.remote = []; workers elsewhere do not see"),
    ],
)
def test_what_makes_no_sense_on_a_cluster_is_refused(settings, message):
    with pytest.raises(BadConfig, match=re.escape(message)):
        in_cluster(configured(*settings))


def test_a_schema_without_the_declared_columns_is_refused_before_anything_is_compiled(tmp_path, monkeypatch):
    (tmp_path / "schema.pbtxt").write_text('feature { name: "shop" type: BYTES }')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadConfig, match=r"schema.pbtxt"):
        compiled(configured("data.schema=schema.pbtxt"), "commit")


def test_a_place_that_cannot_be_written_is_named_and_nothing_stays(package, tmp_path):
    with pytest.raises(BadConfig, match=r"none/pipeline.yaml cannot be written"):
        write((package.spec, package.platform), tmp_path / "none" / "pipeline.yaml")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadConfig, match="folder cannot be written"):
        write((package.spec, package.platform), tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
