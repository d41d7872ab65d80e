"""Record each node of a run on the volume for the closing report, which gets no artifact of a node that did not end.

`<records>/<run>/<task>.json` says how the node ended; `<records>/<run>/<task>/<output>/` are the files that the report reads.
"""

import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ArtifactList, ExecutorInput, ExecutorOutput
from pydantic import TypeAdapter
from tfx.utils import io_utils

from components.shared.trace import Artifact, Execution, NodeState, Trace
from pipeline.kubeflow.oss import task_name

LARGEST = 64e6  # bytes of an output: a larger one stays in the bucket, and the page does without it
EXECUTION = TypeAdapter(Execution)
CUSTOM = "custom:"  # begins what TFX calls a custom property that has the name of one of the type's
ORIGIN = "kubeflow_uri"  # property of an artifact: where it is in the bucket, while its URI is that of the copy


@contextmanager
def recorded(folder: Path | None, given: ExecutorInput, keys: Collection[str]) -> Iterator[Callable[[ExecutorOutput], None]]:
    """Leave a record of a node in the folder of all records: that it started, and how it ended.

    Args:
        folder: none is left without one.
        given: the node's invocation, with the URIs of the bucket.
        keys: of the outputs that are copied for the report.

    Yields:
        A function to call with the executor's outputs, where this process sees them.
    """
    if folder is None:
        yield lambda _: None
        return
    record = Record(folder, given, keys)
    record.leave("failed")  # until something else is written: a process that is killed writes no more
    try:
        yield lambda report: record.leave("done", written=report.artifacts)
    except Exception as error:
        record.leave("failed", f"{type(error).__name__}: {error}", given.outputs.artifacts)
        raise


class Record:
    """The record of one node; see `recorded`."""

    def __init__(self, folder: Path, given: ExecutorInput, keys: Collection[str]):
        self._origins = {key: found.artifacts[0].uri for key, found in given.outputs.artifacts.items()}
        *_, run, self._task, _, _ = next(iter(self._origins.values())).rstrip("/").split("/")  # .../<run>/<task>/<id>/<key>
        self._folder = folder / run / self._task
        self._keys = keys
        self._started = time.time()
        values = given.inputs.parameter_values
        self._parameters = {"span": values["span"].string_value} if "span" in values else {}

    def leave(self, state: NodeState, message: str = "", written: Mapping[str, ArtifactList] | None = None) -> None:
        """Write how the node ended, in place of what an earlier try wrote. Errors are logged: they must not cost the run."""
        try:
            outputs = self.outputs(written or {})
            seconds = time.time() - self._started
            execution = Execution(self._task, state, self._started, seconds, message, self._parameters, {}, outputs)
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._folder.with_suffix(".tmp")
            temporary.write_bytes(EXECUTION.dump_json(execution))
            temporary.replace(self._folder.with_suffix(".json"))
        except Exception:
            traceback.print_exc()

    def outputs(self, written: Mapping[str, ArtifactList]) -> dict[str, list[Artifact]]:
        """Return the node's outputs as the page reads them, and copy those that are to be handed over."""
        found: dict[str, list[Artifact]] = {}
        for key, artifacts in written.items():
            artifact = artifacts.artifacts[0]
            said = json_format.MessageToDict(artifact.metadata)
            own = {name.removeprefix(CUSTOM): value for name, value in said.items() if name.startswith(CUSTOM)}
            properties: dict[str, Any] = said | own | {ORIGIN: self._origins[key]}
            copy = _copied(artifact.uri, self._folder / key) if key in self._keys else None
            kind = artifact.type.schema_title.rpartition(".")[2]
            found[key] = [Artifact(0, kind, str(copy or self._origins[key]), properties)]
        return found


def _copied(source: str, target: Path) -> Path | None:
    """Copy a folder of this machine or of a bucket; return None if it is missing or large."""
    files = [f"{folder.rstrip('/')}/{name}" for folder, _, names in tf.io.gfile.walk(source) for name in names]
    if not files or sum(tf.io.gfile.stat(path).length for path in files) > LARGEST:
        return None
    io_utils.copy_dir(source, str(target))
    return target


def read(folder: Path, run: str, nodes: Iterable[str]) -> Trace:
    """Read what the nodes of a run left, in the order in which they started."""
    paths = {node: folder / run / f"{task_name(node)}.json" for node in nodes}
    found = [replace(EXECUTION.validate_json(path.read_bytes()), node=node) for node, path in paths.items() if path.exists()]
    return Trace(run, {each.node: each for each in sorted(found, key=lambda each: each.started)})
