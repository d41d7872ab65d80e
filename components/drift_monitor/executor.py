"""DriftMonitor's work: observe the newest span, compare it with production's reference, draw the verdict."""

import json
from copy import deepcopy
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

import tensorflow_data_validation as tfdv  # isort: skip  # after tfx

from components.drift_monitor import data_drift, moves, observe, performance
from components.model_store import contents
from components.model_store.manifest import MANIFEST, Manifest, decoded
from components.shared import drift_report, folders, spans
from components.shared.artifacts import VERSION_PROPERTY, read_schema
from components.shared.drift_report import Check, Reference
from components.shared.errors import BadData, CorruptModel
from components.shared.metric_names import ROWS
from components.shared.scored import scored
from components.shared.scored_rows import ScoredRows
from components.shared.target import Target
from components.shared.tfdv_statistics import by_name


class Executor(base_beam_executor.BaseBeamExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Write the drift report. See `DriftMonitor`. Raises CorruptModel, BadData or BadConfig."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        span = examples.get_string_custom_property("span")
        reference: Reference | None = None
        checks: list[Check] = []
        rows = 0
        if model.get_int_custom_property(VERSION_PROPERTY):
            folder = Path(path_utils.serving_model_path(model.uri))
            schema = read_schema(input_dict)
            manifest, reference = read_reference(folder)
            checks, rows = self._compare(folder, manifest, schema, spans.shards(examples.uri, span), exec_properties)
        result = drift_report.conclude(
            span=span,
            rows=rows,
            reference=reference,
            checks=checks,
            retrain_on=json.loads(exec_properties["retrain_on"]),
            block_push=json.loads(exec_properties["block_push"]),
        )
        artifact = artifact_utils.get_single_instance(output_dict["report"])
        (Path(artifact.uri) / drift_report.FILE).write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
        artifact.set_string_custom_property("span", span)
        artifact.set_string_custom_property("verdict", result.verdict)
        artifact.set_string_custom_property("model", reference.model if reference else "")
        artifact.set_int_custom_property("retrain", int(result.retrain))
        artifact.set_string_custom_property("blocked", "; ".join(result.blocked))

    def _compare(self, folder: Path, manifest: Manifest, schema, shards: list[str], properties) -> tuple[list[Check], int]:
        """Make all checks, and count the rows of the span."""
        target, requests = Target.model_validate_json(properties["target"]), request_files(properties["requests"])
        reference = tfdv.load_stats_binary(str(folder / contents.STATISTICS))
        scores = f"{self._get_tmp_dir().rstrip('/')}/scores"
        tf.io.gfile.makedirs(scores)
        scoring: dict[str, str | Target] = {"model": str(folder), "target": target, "folder": scores}
        observed = self._observe({"span": shards, "requests": requests}, schema, reference, scoring)
        rows = scored(target.task, *read_scores(scores))
        inputs = without(schema, target.label)
        limits = data_drift.DataLimits(**json.loads(properties["data_limits"]))
        checks = data_drift.compare("data", reference, observed["span"], inputs, limits)
        if requests:
            checks += data_drift.compare("skew", reference, observed["requests"], inputs, limits)
        model_limits = performance.ModelLimits(**json.loads(properties["model_limits"]))
        return checks + model_checks(rows, manifest, reference, target, model_limits), len(rows.labels)

    def _observe(self, files: dict[str, list[str]], schema, reference, scoring: dict[str, str | Target]):
        """Compute statistics of the span and of requests, if there are any, and the span's scores, in one Beam pipeline."""
        within, buckets = observe.ranges(reference), observe.buckets(reference)
        written = {name: f"{self._get_tmp_dir().rstrip('/')}/{name}.pb" for name, paths in files.items() if paths}
        with self._make_beam_pipeline() as pipeline:
            for name, target in written.items():
                paths = pipeline | f"Files of {name}" >> beam.Create(files[name], reshuffle=True)
                found = paths | f"Statistics of {name}" >> observe.Statistics(schema, within, buckets)
                _ = found | f"Write {name}" >> tfdv.WriteStatisticsToBinaryFile(target)
            shards = pipeline | "Numbered shards" >> beam.Create(list(enumerate(files["span"])), reshuffle=True)
            _ = shards | "Score" >> beam.Map(observe.score, **scoring)
        return {name: observe.without_anchors(tfdv.load_stats_binary(path), within) for name, path in written.items()}


def read_reference(folder: Path) -> tuple[Manifest, Reference]:
    """Read the manifest of production, and its summary. Raises CorruptModel if it lacks what later data are compared with."""
    manifest = decoded((folder / MANIFEST).read_bytes(), folder / MANIFEST)
    needed = ("model", "version", "span", "window", "rows", "metrics", "score_histogram")
    lacking = [name for name in needed if name not in manifest.model_fields_set]
    lacking += [contents.STATISTICS] * (not (folder / contents.STATISTICS).is_file())
    if lacking:
        raise CorruptModel(
            f"The version in production has no {', '.join(lacking)}: there is nothing to compare the new span with. Expected a "
            "version that the Publisher wrote. Restore it, or put another into production with "
            "`python -m pipeline.rollback --problem FOLDER`."
        )
    reference = Reference(
        model=manifest.model, version=manifest.version, span=manifest.span, window=manifest.window, rows=manifest.rows["train"]
    )
    return manifest, reference


def model_checks(
    rows: ScoredRows, manifest: Manifest, reference, target: Target, limits: performance.ModelLimits
) -> list[Check]:
    """Check label, prediction and concept drift against the manifest and the training statistics."""
    trained_on = by_name(reference.datasets[0])[target.label]
    # A metric that was not finite was not published; stopping every run until a rollback would hide other drift.
    published = manifest.overall
    concept = performance.concept(target.task, rows, published, round(published[ROWS]), limits)
    return [*moves.moved(target, rows, (trained_on, manifest), limits), *concept]


def without(schema: schema_pb2.Schema, label: str) -> schema_pb2.Schema:
    """Return the schema of the features alone."""
    result = deepcopy(schema)
    del result.feature[:]
    result.feature.extend(feature for feature in schema.feature if feature.name != label)
    return result


def read_scores(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Read what `observe.score` wrote, in the order of the files: labels as numbers, and answers."""
    parts = []
    for path in folders.matching(folder, "*.npy"):
        with tf.io.gfile.GFile(path, "rb") as file:
            parts.append(np.load(file))
    both = np.concatenate(parts)
    return both[:, 0], both[:, 1] if both.shape[1] == 2 else both[:, 1:]  # noqa: PLR2004 (a label and an answer)


def request_files(folder: str) -> list[str]:
    """List the files of logged requests; none if no folder was given. Raises BadData if it holds none."""
    if not folder:
        return []
    if not (paths := folders.matching(folder, "*.tfrecord*")):
        raise BadData(
            f"{folder} holds no logged requests; expected files named *.tfrecord or *.tfrecord.gz of tf.Example. "
            "Correct drift.requests, or leave it empty to skip the check of training/serving skew."
        )
    return paths
