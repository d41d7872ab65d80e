"""MobileExporter's work: make one float32 file, its variants, their checks, their card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.mobile_exporter import special_values
from components.mobile_exporter.convert import VARIANTS, quantized, to_tflite
from components.mobile_exporter.replay import TransformGraph
from components.model_store import contents
from components.shared import raw_rows, tfma_results
from components.shared.artifacts import NEWEST_MODEL_PROPERTY, NEXT_PROPERTY, VERSION_PROPERTY, read_schema
from components.shared.metric_names import OVERALL
from components.shared.phone import awkward_rows, card, checks
from components.shared.phone.card import MODEL_FILE, VARIANTS_FOLDER
from components.shared.phone.runtime import SIGNATURE, TFLiteModel
from components.shared.target import Target
from components.shared.tasks import COVERED, interval

GOLDEN_ROWS = 20
ENDS = (("minimum", "min"), ("maximum", "max"))  # in the card and in the schema


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Export the files. See `MobileExporter`. Raises NotConvertible."""
        columns = json.loads(exec_properties["columns"])
        ship = json.loads(exec_properties["ship"])
        target = Target.model_validate_json(exec_properties["target"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        schema = read_schema(input_dict)
        rows = raw_rows.head(raw_rows.files(examples.uri, "eval"), columns, GOLDEN_ROWS)
        files = self._files(input_dict, columns)
        for name in {"float32", *ship}:
            checks.check(files[name], columns, rows, exec_properties["max_size_kb"], target.task)
        statistics = training_statistics(input_dict)
        features = [feature_card(feature, schema, statistics) for feature in json.loads(exec_properties["features"])]
        special_values.check(files["float32"], awkward_rows.make(features, rows))  # the others have the same operations
        artifact = artifact_utils.get_single_instance(output_dict["mobile_model"])
        version = version_to_be(input_dict)
        artifact.set_int_custom_property(VERSION_PROPERTY, version)
        facts = self._facts(input_dict, exec_properties, examples, target) | {"version": version, "features": features}
        facts |= decided(target, statistics, exec_properties["threshold"])
        served, variants = Path(path_utils.serving_model_path(artifact.uri)), Path(artifact.uri) / VARIANTS_FOLDER
        for folder in (served, variants):
            folder.mkdir(parents=True)
        for name, content in files.items():
            (variants / f"{name}.tflite").write_bytes(content)
        for position, name in enumerate(ship):
            golden = golden_rows(TFLiteModel(files[name]), rows)
            stated = card.ModelCard(**facts, variant=name, golden=golden)
            file = served / (f"{name}.tflite" if position else MODEL_FILE)
            file.write_bytes(card.attach(files[name], stated))
            if not position:
                (served / card.FILE).write_text(stated.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def _files(self, input_dict, columns: dict[str, str]) -> dict[str, bytes]:
        """Make every variant: float32 takes any number of rows, the others one."""
        model = tf.saved_model.load(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])))
        transform = TransformGraph(f"{artifact_utils.get_single_uri(input_dict['transform_graph'])}/transform_fn")
        one_row = to_tflite(model, transform, columns, batch=1)
        files = {name: quantized(one_row, name) for name in VARIANTS}
        return files | {"float32": to_tflite(model, transform, columns, batch=None)}

    def _facts(self, input_dict, exec_properties, examples, target: Target) -> dict:
        """Collect what the cards of all variants state."""
        overall = tfma_results.metrics(artifact_utils.get_single_uri(input_dict["evaluation"]))[tfma_results.CANDIDATE][OVERALL]
        return {
            "schema_version": card.schema_of(target.task_name),
            "model": exec_properties["model_name"],
            "span": examples.get_string_custom_property("span"),
            "window": examples.get_string_custom_property("window").split(","),
            "rows": json.loads(examples.get_string_custom_property("rows")),
            "label": target.label,
            "task": target.task_name,
            "classes": target.classes,
            "signature": SIGNATURE,
            "output": target.task.output,
            "missing": {"string": "", "float32": "NaN"},
            "interval": card.Interval(share=COVERED, low=ends[0], high=ends[1]) if (ends := interval(overall)) else None,
            "metrics": overall,
            "words": json.loads(exec_properties["words"]),
        }


def version_to_be(input_dict) -> int:
    """Return the number that the server's model will get: the next one, or its own if it is there, as after a killed run.

    It may be there in production, or as the newest version where models.config pins an older one: as `store.publish` sees it.
    """
    production = artifact_utils.get_single_instance(input_dict["production"])
    number, following = (production.get_int_custom_property(name) for name in (VERSION_PROPERTY, NEXT_PROPERTY))
    folders = (artifact_utils.get_single_uri(input_dict["model"]), production.uri)
    candidate, current = (contents.folder_digest(Path(path_utils.serving_model_path(folder))) for folder in folders)
    if number and candidate == current:
        return number
    return following - 1 if candidate == production.get_string_custom_property(NEWEST_MODEL_PROPERTY) else following


def training_statistics(input_dict) -> dict[str, statistics_pb2.NumericStatistics]:
    """Read the statistics of each number in the training split, with the label."""
    content = Path(artifact_utils.get_split_uri(input_dict["statistics"], "train")) / "FeatureStats.pb"
    [found] = statistics_pb2.DatasetFeatureStatisticsList.FromString(content.read_bytes()).datasets
    return {each.path.step[0]: each.num_stats for each in found.features if each.HasField("num_stats")}


def decided(target: Target, statistics: Mapping[str, statistics_pb2.NumericStatistics], threshold: float) -> dict[str, float]:
    """Return what makes a probability a yes or a no: the threshold, and the share of yes in training. Others have neither."""
    of_one = target.task.bounded and not target.classes
    return {"threshold": threshold, "base_rate": statistics[target.label].mean} if of_one else {}


def feature_card(
    feature: dict, schema: schema_pb2.Schema, statistics: Mapping[str, statistics_pb2.NumericStatistics]
) -> card.FeatureCard:
    """Describe one raw column by its declaration, the schema and the training split."""
    facts = {key: feature[key] for key in card.FeatureCard.model_fields if feature.get(key)} | allowed(feature["name"], schema)
    if feature["kind"] == "numeric" and feature["name"] in statistics:
        facts["typical"] = statistics[feature["name"]].median
    return card.FeatureCard(**facts)


def allowed(name: str, schema: schema_pb2.Schema) -> dict[str, Any]:
    """Collect what the schema allows: the values of a category, the ends of a number."""
    [stated] = [found for found in schema.feature if found.name == name]
    domains = {domain.name: domain for domain in schema.string_domain}
    values = list(domains.get(stated.domain, stated.string_domain).value)
    numbers = (stated.float_domain, stated.int_domain)
    ends = {end: getattr(domain, key) for domain in numbers for end, key in ENDS if domain.HasField(key)}
    return {"values": values} | ends if values else ends


def golden_rows(model: TFLiteModel, rows: dict[str, np.ndarray]) -> list[card.Golden]:
    """Return the rows as JSON values, None where one is missing, with the file's own scores."""
    given = [
        {name: None if value == "" or value != value else value for name, value in row.items()}  # noqa: PLR0124 (NaN)
        for row in raw_rows.as_rows(rows)
    ]
    return [card.Golden(row=row, score=score) for row, score in zip(given, model(rows).tolist(), strict=True)]
