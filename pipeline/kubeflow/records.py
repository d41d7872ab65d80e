"""Record each node of a run on the volume for the closing report, which gets no artifact of a node that did not end.

`<records>/<run>/<task>.json` says how the node ended; `<records>/<run>/<task>/<output>/` are the files that the report reads.
"""

import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput, ExecutorOutput
from pydantic import TypeAdapter

from components.shared.trace import Artifact, Execution, NodeState, Trace
from pipeline.kubeflow.oss import task_name

LARGEST = 64e6  # bytes of an output: a larger one stays in the bucket, and the page does without it
EXECUTION = TypeAdapter(Execution)
CUSTOM = "custom:"  # begins what TFX calls a custom property that has the name of one of the type's
ORIGIN = "kubeflow_uri"  # property of an artifact: where it is in the bucket, while its URI is that of the copy


class Record:
    """The record of one node."""

    def __init__(self, folder: Path, given: ExecutorInput):
        """Args:
        folder: of all records.
        given: the node's invocation, with the URIs of the bucket.
        """
        uri = next(artifact.uri for found in given.outputs.artifacts.values() for artifact in found.artifacts)
        *_, run, self.task, _, _ = uri.rstrip("/").split("/")  # <root>/<pipeline>/<run>/<task>/<execution>/<key>
        self.folder = folder / run / self.task
        self.started = time.time()
        self._parameters = {
            name: json_format.MessageToDict(value) for name, value in given.inputs.parameter_values.items() if name == "span"
        }
        self._origins = {key: found.artifacts[0].uri for key, found in given.outputs.artifacts.items()}

    def write(self, state: NodeState, message: str = "", outputs: Mapping[str, list[Artifact]] | None = None) -> None:
        """Write how the node ended, in place of what an earlier try wrote. A node that is killed writes no more."""
        seconds = time.time() - self.started
        execution = Execution(self.task, state, self.started, seconds, message, self._parameters, {}, dict(outputs or {}))
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.folder.with_suffix(".tmp")
        temporary.write_bytes(EXECUTION.dump_json(execution))
        temporary.replace(self.folder.with_suffix(".json"))

    def outputs(self, written: ExecutorInput | ExecutorOutput, hand_over: Iterable[str]) -> dict[str, list[Artifact]]:
        """Return the node's outputs as the page reads them, and copy those that are to be handed over.

        Args:
            written: names the outputs, where this process sees them.
            hand_over: keys of those that are copied.
        """
        lists = written.outputs.artifacts if isinstance(written, ExecutorInput) else written.artifacts
        found: dict[str, list[Artifact]] = {}
        for key, artifacts in lists.items():
            artifact = artifacts.artifacts[0]
            said = json_format.MessageToDict(artifact.metadata)
            own = {name.removeprefix(CUSTOM): value for name, value in said.items() if name.startswith(CUSTOM)}
            properties: dict[str, Any] = said | own | {ORIGIN: self._origins[key]}
            copy = _copied(artifact.uri, self.folder / key) if key in hand_over else None
            kind = artifact.type.schema_title.rpartition(".")[2]
            found[key] = [Artifact(0, kind, str(copy or self._origins[key]), properties)]
        return found


def _copied(source: str, target: Path) -> Path | None:
    """Copy a folder of this machine or of a bucket; return None if it is missing or large."""
    if not tf.io.gfile.isdir(source):
        return None
    files = [f"{folder.rstrip('/')}/{name}" for folder, _, names in tf.io.gfile.walk(source) for name in names]
    if sum(tf.io.gfile.stat(path).length for path in files) > LARGEST:
        return None
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        copy = target / path.removeprefix(source).lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        tf.io.gfile.copy(path, str(copy))
    return target


def read(folder: Path, run: str, nodes: Iterable[str]) -> Trace:
    """Read what the nodes of a run left, in the order in which they started."""
    found: dict[str, Execution] = {}
    for node in nodes:
        path = folder / run / f"{task_name(node)}.json"
        if path.exists():
            found[node] = replace(EXECUTION.validate_json(path.read_bytes()), node=node)
    return Trace(run, dict(sorted(found.items(), key=lambda each: each[1].started)))
