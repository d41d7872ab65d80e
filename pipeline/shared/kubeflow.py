"""The [kubeflow] section: where the pipeline runs on a cluster, and what each node gets there."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from components.shared.nodes import NodeId
from pipeline.shared.section import Section

Quantity = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(m|k|[MGT]|[KMGT]i)?$")]  # of Kubernetes: "500m", "2", "8Gi"
Path = Annotated[str, Field(pattern=r"^/[^\s]+[^/\s]$")]


def _does_not_move(image: str) -> str:
    """Refuse an image that moves: one compiled pipeline must not run different code on different days."""
    if image.endswith(":latest"):
        raise ValueError("a tag or digest that stays is expected, since `latest` moves")
    return image


Image = Annotated[str, Field(pattern=r"^\S+/\S+(:\w[\w.-]*|@sha256:[0-9a-f]{64})$"), AfterValidator(_does_not_move)]


# Nodes that read and write only through TensorFlow and Beam; the others need files.
REMOTE = (NodeId.SPAN_EXAMPLE_GEN, NodeId.STATISTICS_GEN, NodeId.TRANSFORM, NodeId.EVALUATOR, NodeId.BULK_INFERRER)


def _can_be_remote(node: str) -> str:
    if node not in REMOTE:
        raise ValueError(f"one of {', '.join(REMOTE)} is expected: the others want files")
    return node


RemoteNode = Annotated[str, AfterValidator(_can_be_remote)]


class Accelerator(Section):
    """GPUs or TPU chips."""

    type: str = Field(description="Kubernetes' resource: nvidia.com/gpu, google.com/tpu")
    count: int = Field(ge=1)


class Toleration(Section):
    """Lets a node's pod onto machines with a taint."""

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class Secret(Section):
    """One key of a Kubernetes Secret as an environment variable."""

    secret: str
    key: str
    env: str


class SecretFiles(Section):
    """A Kubernetes Secret whose keys are files, and the folder that they are in."""

    secret: str
    path: Path


class Volume(Section):
    """A persistent volume claim, and where it is mounted."""

    claim: str
    path: Path


class Pod(Section):
    """What a node's pod gets. What is not stated is `every_node`'s, else Kubernetes' default."""

    cpu: Quantity | None = Field(default=None, description="cores, requested and at most")
    memory: Quantity | None = Field(default=None, description="bytes, requested and at most")
    accelerator: Accelerator | None = None
    node_selector: dict[str, str] = Field(default={}, description="labels that the machine must have")
    tolerations: list[Toleration] = []
    retries: int = Field(default=0, ge=0, description="further tries when a pod fails, the first after a minute")
    secrets: list[Secret] = []
    secret_files: list[SecretFiles] = []
    volumes: list[Volume] = Field(default=[], description="beside kubeflow.claim, which every node has")

    def over(self, base: Self) -> "Pod":
        """Return what is stated here, and from `base` what is not."""
        return Pod.model_validate(base.model_dump(exclude_unset=True) | self.model_dump(exclude_unset=True))


class Kubeflow(Section):
    """Kubeflow Pipelines, open source, 2.x."""

    image: Image = Field(description="of every node: the target `pipeline` of the Dockerfile, with a tag or digest")
    pipeline_root: str = Field(pattern=r"^(gs|s3|minio)://\S+[^/\s]$", description="below which runs put their artifacts")
    claim: str = Field(description="persistent volume claim that every node mounts at `folder`")
    folder: Path = Field(description="takes run.root's place; holds spans/, and what is published")
    spans: str = Field(pattern=r"^(/|gs://|s3://)\S+[^/\s]$", description="takes data.spans' place")
    annotations: dict[str, str] = Field(description="of every pod")
    remote: list[RemoteNode] = Field(description="nodes whose artifacts stay in the bucket, for Beam workers elsewhere")
    host: str = Field(description="of the API; empty: KF_PIPELINES_ENDPOINT, the cluster that this runs in, or kubectl's")
    namespace: str = Field(description="of KFP; in multi-user mode, of the profile")
    experiment: str = Field(min_length=1, description="that runs are listed under")
    every_node: Pod = Field(description="what all nodes get")
    nodes: dict[str, Pod] = Field(description="what single nodes get, by their name in the DAG")

    def node(self, name: str) -> Pod:
        """Return what the node of this name gets."""
        return self.nodes.get(name, Pod()).over(self.every_node)
