"""Compile the DAG for Kubeflow Pipelines: TFX's compiler, then `to_oss`, then what the cluster's nodes get."""

import json
from pathlib import Path, PurePosixPath

import yaml
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

from components.shared.errors import BadConfig
from components.shared.nodes import NodeId
from components.shared.spans import NEWEST
from components.span_example_gen import bucket
from pipeline import edited_files
from pipeline.beam import settings as beam
from pipeline.config import Config
from pipeline.dag import create_pipeline
from pipeline.kubeflow.closing import CLOSING, PUBLISHED, close
from pipeline.kubeflow.oss import EXECUTOR, Spec, task_name, to_oss
from pipeline.kubeflow.platform import check, check_nodes, platform_spec, with_resources

IN_PROCESS = ("local", "multi_processing")
IN_THE_POD = beam.Beam(
    runner="local", workers=1, endpoint="", worker_pool="", image="", project="", region="", temp_location="", options=[]
)
COMMAND = ["python", "-m", "pipeline.kubeflow.entrypoint"]
SPAN = "span"  # the pipeline's parameter
# What TFX gives to each container before Beam's arguments: class, {{$}} and the inputs' specification, each with its flag.
OWN_ARGUMENTS = 6


def compiled(config: Config, git_commit: str) -> tuple[Spec, Spec]:
    """Compile the DAG of a local run to the two documents of a KFP package: PipelineSpec and platform.

    The span is a parameter of the pipeline; without one, a run takes the newest when it reads the data.

    Raises:
        BadConfig: a setting makes no sense on a cluster.
        NotRunnable: KFP's open-source backend would not run it.
    """
    edited_files.check(config)
    inside = in_cluster(config)
    pipeline = create_pipeline(inside, RuntimeParameter(SPAN, str, NEWEST), git_commit)
    nodes = [*(node.id for node in pipeline.components), PUBLISHED, CLOSING]
    check_nodes(config.kubeflow, nodes)
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(default_image=config.kubeflow.image, default_commands=COMMAND, use_pipeline_spec_2_1=True)
    )
    spec = runner.run(pipeline, write_out=False)["pipelineSpec"]
    spec = to_oss(spec, COMMAND, {SPAN: NEWEST}, config.kubeflow.pipeline_root)
    for name in config.kubeflow.remote:
        arguments = spec["deploymentSpec"]["executors"][EXECUTOR + task_name(name)]["container"]["args"]
        arguments[OWN_ARGUMENTS:] = ["--uri_mode=remote", *beam.arguments(config.beam)]
    spec = close(spec, config.kubeflow.folder)
    spec = with_resources(spec, config.kubeflow, nodes)
    platform = platform_spec(config.kubeflow, nodes, config.run.max_seconds)
    check(spec, platform)
    return spec, platform


def in_cluster(config: Config) -> Config:
    """Return the configuration as the containers know it: with their folders, and Beam within the pod. Raises BadConfig."""
    kubeflow, schema_file = config.kubeflow, PurePosixPath(config.data.schema_file)
    if schema_file.is_absolute() or ".." in schema_file.parts:
        raise BadConfig(f"data.schema = {str(schema_file)!r}; expected a path in the checkout, as the image has it.")
    if config.drift.requests and not PurePosixPath(config.drift.requests).is_absolute():
        raise BadConfig(f"drift.requests = {config.drift.requests!r}; expected a folder below {kubeflow.folder} on a cluster.")
    if config.canary.validator != "process":
        raise BadConfig(
            f'canary.validator = "{config.canary.validator}"; TFX does not compile its InfraValidator for Kubeflow Pipelines. '
            'Expected "process", whose server runs in the pod.'
        )
    in_the_pod = config.beam.runner in IN_PROCESS
    if not in_the_pod and not kubeflow.remote:
        raise BadConfig(
            f'beam.runner = "{config.beam.runner}" and kubeflow.remote = []; workers elsewhere do not see what a pod keeps to '
            f'itself. Name the nodes that run there, as in ["{NodeId.STATISTICS_GEN}", "{NodeId.TRANSFORM}"].'
        )
    if NodeId.SPAN_EXAMPLE_GEN in kubeflow.remote and not bucket.is_in_bucket(kubeflow.spans):
        raise BadConfig(
            f"kubeflow.spans = {kubeflow.spans!r}, and {NodeId.SPAN_EXAMPLE_GEN} is remote; expected a bucket, which "
            "workers see."
        )
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"spans": kubeflow.spans}),
            "run": config.run.model_copy(update={"root": kubeflow.folder}),
            "beam": config.beam if in_the_pod else IN_THE_POD,
        }
    )


def write(documents: tuple[Spec, Spec], path: Path) -> None:
    """Write a package as KFP does: YAML, the platform after the pipeline. Raises BadConfig where it cannot be written."""
    alone = json.loads(json.dumps(documents))  # what stands more than once is repeated: an alias is hard to read
    text = yaml.safe_dump_all(alone, sort_keys=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BadConfig(f"{path} cannot be written: {error}. Expected a file in a writable folder; choose another.") from error
