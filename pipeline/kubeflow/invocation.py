"""KFP's messages to and from a container, and the places of artifacts in them."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ComponentInputsSpec, ExecutorInput, ExecutorOutput, RuntimeArtifact
from tfx.orchestration.kubeflow.v2.compiler_utils import TITLE_TO_CLASS_PATH
from tfx.utils.name_utils import get_full_name

from components.run_report.component import RunPage
from components.run_report.executor import SECONDS, STARTED
from components.shared.artifacts import DataBlessing, DataGateReport, DriftReport
from components.shared.errors import NotRunnable

# LocalPathForURI of kubeflow/pipelines, backend/src/v2/component/launcher_v2.go.
FOLDERS = {"gs://": "gcs", "s3://": "s3", "minio://": "minio"}
OURS = (DataGateReport, DataBlessing, DriftReport, RunPage)
CLASS_PATHS = TITLE_TO_CLASS_PATH | {kind.TYPE_NAME: get_full_name(kind) for kind in OURS}
IMPLICIT = "_"  # begins the name of an input that only a condition asks for
KFP = "system."  # begins the type of an output that the launcher writes itself, such as the log

GOOGLE = "gs://"

Message = TypeVar("Message")


def parse(serialized: str, message: Message) -> Message:
    """Parse JSON into an empty message, without the fields of newer launchers."""
    return json_format.Parse(serialized, message, ignore_unknown_fields=True)


def restore_types(given: ExecutorInput, inputs_spec: str) -> None:
    """Give each artifact a name and the type that the component declares; drop inputs that are not the executor's.

    Args:
        given: changed in place.
        inputs_spec: ComponentInputsSpec as JSON.

    Raises:
        NotRunnable: an input is not declared, or its type is unknown.
    """
    declared = parse(inputs_spec, ComponentInputsSpec()).artifacts
    for key, artifacts in list(given.inputs.artifacts.items()):
        if key.startswith(IMPLICIT):
            del given.inputs.artifacts[key]
        elif key not in declared:
            raise NotRunnable(f"KFP gave the input {key}; expected {', '.join(declared) or 'none'}. Compile it again.")
        else:
            for artifact in artifacts.artifacts:
                artifact.type.CopyFrom(declared[key].artifact_type)
    for key, artifacts in list(given.outputs.artifacts.items()):
        if artifacts.artifacts[0].type.schema_title.startswith(KFP):
            del given.outputs.artifacts[key]
    for artifact in _artifacts(given):
        # TFX imports the class that a schema's title names. The Evaluator asks for a name, which KFP leaves empty.
        artifact.type.schema_title = _class_path(artifact)
        artifact.name = artifact.name or artifact.uri


def _class_path(artifact: RuntimeArtifact) -> str:
    title = artifact.type.schema_title or yaml.safe_load(artifact.type.instance_schema or "{}").get("title", "")
    if title not in CLASS_PATHS:
        raise NotRunnable(f"{artifact.uri} is of the type {title!r}; expected one of {', '.join(CLASS_PATHS)}.")
    return CLASS_PATHS[title]


def _artifacts(message: ExecutorInput | ExecutorOutput) -> Iterator[RuntimeArtifact]:
    lists = [message] if isinstance(message, ExecutorOutput) else [message.inputs, message.outputs]
    return (artifact for each in lists for found in each.artifacts.values() for artifact in found.artifacts)


def map_uris(message: ExecutorInput | ExecutorOutput, mapping: Callable[[str], str]) -> None:
    """Change the URI of every artifact in the message."""
    for artifact in _artifacts(message):
        artifact.uri = mapping(artifact.uri)


def note_time(message: ExecutorOutput, started: float, seconds: float) -> None:
    """Note in every output when its node started, in seconds since 1970, and how long it took, for RunReport to show."""
    for artifact in _artifacts(message):
        artifact.metadata.update({STARTED: started, SECONDS: seconds})


def local_path(uri: str, mounts: str = "/") -> str:
    """Return where the launcher keeps an artifact: gs://bucket/a is /gcs/bucket/a. Raises NotRunnable."""
    for scheme, folder in FOLDERS.items():
        if uri.startswith(scheme):
            return f"{mounts.rstrip('/')}/{folder}/{uri.removeprefix(scheme)}"
    raise NotRunnable(f"{uri} is not in a bucket that the launcher mounts; expected a URI with {', '.join(FOLDERS)}.")


def remote_uri(path: str, mounts: str = "/") -> str:
    """Return the URI of a launcher's path: the inverse of `local_path`. Raises NotRunnable."""
    for scheme, folder in FOLDERS.items():
        if path.startswith(prefix := f"{mounts.rstrip('/')}/{folder}/"):
            return scheme + path.removeprefix(prefix)
    raise NotRunnable(
        f"{path} is not below a folder of the launcher, so it would be lost. Executors must leave URIs as they are."
    )


def output_uris(given: ExecutorInput) -> list[str]:
    """List the URIs of all outputs."""
    return [artifact.uri for found in given.outputs.artifacts.values() for artifact in found.artifacts]


def scratch(given: ExecutorInput) -> str:
    """Return a new folder for temporary files beside the outputs. Raises NotRunnable."""
    uris = output_uris(given)
    if not uris:
        raise NotRunnable("A node without outputs has no place in the bucket. Take it out of kubeflow.remote.")
    return f"{uris[0].rpartition('/')[0]}/.tmp-{uuid.uuid4().hex}"


def remove_markers(uris: Iterable[str]) -> int:
    """Delete TensorFlow's markers of folders, objects below gs:// URIs whose names end with a slash, and return how many.

    KFP's launcher fails to download an artifact that has some: https://github.com/kubeflow/pipelines/issues/13476, open with
    KFP 2.16.
    """
    from google.cloud import storage  # noqa: PLC0415  # not every node has a bucket

    places = [uri.removeprefix(GOOGLE).partition("/") for uri in uris if uri.startswith(GOOGLE)]
    if not places:
        return 0
    client = storage.Client()
    found = [blob for bucket, _, name in places for blob in client.list_blobs(bucket, prefix=f"{name.rstrip('/')}/")]
    markers = [blob for blob in found if blob.name.endswith("/")]
    for blob in markers:
        blob.delete()
    return len(markers)
