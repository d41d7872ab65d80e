"""DataChecks' work: collect the findings."""

import json
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.data_gate import checks
from components.shared import data_findings
from components.shared.artifacts import DAYS_PROPERTY, REPEATED_PROPERTY


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Write the findings. See `DataChecks`."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict["schema"])))
        counts = json.loads(examples.get_string_custom_property(REPEATED_PROPERTY))
        findings = checks.repeated_rows(counts, exec_properties["max_repeated_share"])
        days = json.loads(examples.get_string_custom_property(DAYS_PROPERTY))
        findings += checks.evaluation_days(days["eval"], exec_properties["min_eval_days"])
        for split in artifact_utils.decode_split_names(examples.split_names):
            found = _read(input_dict["anomalies"], split, "SchemaDiff.pb", anomalies_pb2.Anomalies())
            statistics = _read(
                input_dict["statistics"], split, "FeatureStats.pb", statistics_pb2.DatasetFeatureStatisticsList()
            ).datasets[0]
            findings += checks.row_count(split, statistics, exec_properties["min_rows"])
            findings += checks.categories(split, statistics)
            findings += checks.label_share(
                split,
                statistics,
                exec_properties["label"],
                exec_properties["min_positive_share"],
                exec_properties["max_positive_share"],
            )
            if split == "train":
                findings += checks.constant(split, statistics, json.loads(exec_properties["may_be_constant"]))
            findings += checks.anomalies(split, found, schema)
        data_findings.write(artifact_utils.get_single_uri(output_dict["report"]), findings)


def _read(artifacts, split: str, name: str, message):
    path = Path(artifact_utils.get_split_uri(artifacts, split)) / name
    message.ParseFromString(path.read_bytes())
    return message
