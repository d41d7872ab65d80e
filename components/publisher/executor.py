"""Publisher's work: push a blessed model, or say why not."""

import datetime
import json
import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.model_store import contents, store
from components.model_store.manifest import Facts
from components.model_store.signature import read_keys
from components.publisher import markdown, model_card, warm_up
from components.shared import data_findings, drift_report, raw_rows, tfma_results
from components.shared.metric_names import OVERALL


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Publish the model if it may be. See `Publisher`. Raises PublishFailed, CorruptModel, BadConfig."""
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        pushed.set_int_custom_property("pushed", 0)
        drift = artifact_utils.get_single_instance(input_dict["drift"])
        evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
        folder = Path(exec_properties["folder"])
        number, reason = _leader(input_dict, folder)
        if blocked := drift.get_string_custom_property("blocked"):
            reason = f"drift.block_push: {blocked}"
        stated = exec_properties.get("description")
        description = model_card.Description.model_validate_json(stated) if stated else None
        lacking = model_card.to_be_written(description) if description else ""
        if reason := reason or _not_blessed(input_dict, evaluation) or lacking:
            pushed.set_string_custom_property("reason", reason)
            return
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        metrics = tfma_results.metrics(evaluation)
        model = Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])))
        facts = Facts(
            model=exec_properties["model_name"],
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            span=examples.get_string_custom_property("span"),
            window=examples.get_string_custom_property("window").split(","),
            rows=json.loads(examples.get_string_custom_property("rows")),
            metrics=metrics[tfma_results.CANDIDATE],
            score_histogram=tfma_results.score_histogram(evaluation),
            git_commit=exec_properties["git_commit"],
            configuration=json.loads(exec_properties["configuration"]),
            tensorflow=tf.__version__,
        )
        extra = {contents.STATISTICS: Path(artifact_utils.get_split_uri(input_dict["statistics"], "train")) / "FeatureStats.pb"}
        with tempfile.TemporaryDirectory() as temporary:
            if (model / tf.saved_model.SAVED_MODEL_FILENAME_PB).exists():  # the phone's model needs none
                extra[contents.WARM_UP] = Path(temporary) / "requests"
                warm_up.write(extra[contents.WARM_UP], facts.model, model, raw_rows.files(examples.uri, "eval"))
            if description:
                card = model_card.build(
                    description,
                    facts,
                    before=metrics.get(tfma_results.BASELINE, {}).get(OVERALL, {}),
                    drift=drift_report.read(drift.uri),
                    findings=data_findings.read(found[0].uri) if (found := input_dict.get("findings")) else [],
                    statistics=statistics_pb2.DatasetFeatureStatisticsList.FromString(extra[contents.STATISTICS].read_bytes()),
                )
                extra |= markdown.write(card, Path(temporary))
            keys = read_keys(exec_properties.get("public_key"), exec_properties.get("signing_key"))
            version, reason = store.publish(folder, model, extra, facts, exec_properties["keep"], number=number, keys=keys)
        current = store.production(folder, keys)
        pushed.set_int_custom_property("pushed", int(not reason))
        pushed.set_int_custom_property("holds", int(version.model_digest == contents.folder_digest(model)))
        pushed.set_int_custom_property("version", version.number)
        pushed.set_int_custom_property("in_production", current.number if current else 0)
        pushed.set_string_custom_property("destination", str(version.folder))
        pushed.set_string_custom_property("reason", reason)


def _not_blessed(input_dict, evaluation: str) -> str:
    """Say why the model is not blessed, by the Evaluator or as a servable; empty if it is."""
    blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
    if not model_utils.is_model_blessed(blessing):
        stated = blessing.get_string_custom_property("reason") or "; ".join(tfma_results.refusals(evaluation))
        return stated or "the Evaluator did not bless it"
    if not input_dict.get("infra_blessing"):
        return ""
    infra = artifact_utils.get_single_instance(input_dict["infra_blessing"])
    if model_utils.is_infra_validated(infra):
        return ""
    return f"as a server it failed: {infra.get_string_custom_property('reason') or 'the InfraValidator did not bless it'}"


def _leader(input_dict, folder: Path) -> tuple[int | None, str]:
    """Return the number under which the Publisher that this one follows has pushed, and why this one must not push.

    That one may have pushed in a run that was killed right after it; this one then catches up.
    """
    if not input_dict.get("follows"):
        return None, ""
    leader = artifact_utils.get_single_instance(input_dict["follows"])
    number = leader.get_int_custom_property("version")
    if not leader.get_int_custom_property("pushed"):
        if not leader.get_int_custom_property("holds"):
            return None, "the server's model was not published"
        if number in store.versions(folder):
            return None, f"version {number} was published with the server's"
    stated = artifact_utils.get_single_instance(input_dict["model"]).get_int_custom_property("version")
    if stated and stated != number:
        return None, f"production changed during the run: the model states version {stated}, the server's became {number}"
    return number, ""
