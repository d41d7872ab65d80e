"""Evaluator's work on columns: scores of the candidate and of the baseline, TFMA's metrics of them, and the blessing."""

import apache_beam as beam
from google.protobuf import json_format
from tfx.components.evaluator import constants
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils, json_utils, path_utils

import tensorflow_model_analysis as tfma  # isort: skip  # after tfx
from tensorflow_model_analysis.proto import config_pb2  # isort: skip

from components.columnar.evaluator import analysis, configured
from components.columnar.evaluator.score import Score, ScoredBy, decoded
from components.evaluator import executor
from components.shared import folders
from components.shared.artifacts import read_schema
from components.shared.memory import seldom_collected

SIGNATURE = "serving_default"


class Executor(executor.Executor):
    def evaluate(self, inputs, outputs, exec_properties) -> None:
        """Evaluate on columns, as the method that this overrides. Raises BadConfig, BadData, NotAScore."""
        config = tfma.utils.update_eval_config_with_defaults(
            json_format.Parse(exec_properties["eval_config"], config_pb2.EvalConfig()),
            has_baseline=bool(inputs["baseline_model"]),
            rubber_stamp=True,
        )
        if exec_properties.get("module_path") or "schema" not in inputs or not configured.covers(config):
            super().evaluate(inputs, outputs, exec_properties)
            return
        models, places = config.model_specs, locations(inputs, config)
        scored_by = [
            ScoredBy(places[spec.name], signature, column)
            for spec in models
            for signature, column in (
                (spec.signature_name or SIGNATURE, configured.score_column(spec)),
                *((name, configured.label_column(spec)) for name in spec.preprocessing_function_names),
            )
        ]
        schema = read_schema(inputs)
        with seldom_collected(), self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(files(inputs, exec_properties), reshuffle=True)
                | "Score" >> beam.ParDo(Score(scored_by, decoded(schema, configured.columns(config))))
                | "Analyse" >> analysis.Analyse(config, artifact_utils.get_single_uri(outputs["evaluation"]), places)
            )
        if tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config):
            bless(inputs, outputs, exec_properties)


def locations(inputs: dict[str, list[Artifact]], config: config_pb2.EvalConfig) -> dict[str, str]:
    """Find the SavedModel of each model, by its name."""
    keys = {spec.name: "baseline_model" if spec.is_baseline else "model" for spec in config.model_specs}
    return {name: path_utils.serving_model_path(artifact_utils.get_single_uri(inputs[key])) for name, key in keys.items()}


def files(inputs: dict[str, list[Artifact]], exec_properties: dict) -> list[str]:
    """List the files of the splits that are evaluated."""
    splits = json_utils.loads(exec_properties.get("example_splits") or "null") or ["eval"]
    uris = [uri for split in splits for uri in artifact_utils.get_split_uris(inputs["examples"], split)]
    return [path for uri in uris for path in folders.matching(uri)]


def bless(inputs: dict[str, list[Artifact]], output_dict: dict[str, list[Artifact]], exec_properties: dict) -> None:
    """Write to the blessing, by its properties and by a file as TFX does, whether the validation held."""
    blessing = artifact_utils.get_single_instance(output_dict["blessing"])
    model = artifact_utils.get_single_instance(inputs["model"])
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    for baseline in inputs["baseline_model"]:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)
    if "current_component_id" in exec_properties:
        blessing.set_string_custom_property("component_id", exec_properties["current_component_id"])
    holds = tfma.load_validation_result(artifact_utils.get_single_uri(output_dict["evaluation"])).validation_ok
    file_name = constants.BLESSED_FILE_NAME if holds else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(f"{blessing.uri}/{file_name}", "")
    value = constants.BLESSED_VALUE if holds else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
