"""DataChecks' work, to collect the findings, and DataGate's, to stop the run or let it pass."""

import json
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.data_gate import checks
from components.shared import data_findings
from components.shared.artifacts import DAYS_PROPERTY, REPEATED_PROPERTY, read_schema
from components.shared.data_findings import Finding
from components.shared.errors import DataRejected
from components.shared.target import Target


class ChecksExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Write the findings. See `DataChecks`."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        schema = read_schema(input_dict)
        target = Target.model_validate_json(exec_properties["target"])
        limits = json.loads(exec_properties["label_limits"])
        may_be_absent = json.loads(exec_properties["may_be_absent"])
        counts = json.loads(examples.get_string_custom_property(REPEATED_PROPERTY))
        findings = checks.repeated_rows(counts, exec_properties["max_repeated_share"])
        days = json.loads(examples.get_string_custom_property(DAYS_PROPERTY))
        if days:  # else the rows have no date
            findings += checks.evaluation_days(days["eval"], exec_properties["min_eval_days"])
        for split in artifact_utils.decode_split_names(examples.split_names):
            anomalies = anomalies_pb2.Anomalies.FromString(_read(input_dict["anomalies"], split, "SchemaDiff.pb"))
            counted = _read(input_dict["statistics"], split, "FeatureStats.pb")
            statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(counted).datasets[0]
            findings += checks.row_count(split, statistics, exec_properties["min_rows"])
            findings += checks.categories(split, statistics, exec_properties["max_categories"])
            findings += checks.label_shares(split, statistics, target, limits, may_be_absent)
            if split == "train":
                findings += checks.constant(split, statistics, json.loads(exec_properties["may_be_constant"]))
            findings += checks.anomalies(split, anomalies, schema)
        data_findings.write(artifact_utils.get_single_uri(output_dict["report"]), findings)


class GateExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Stop the run or let it pass. See `DataGate`. Raises DataRejected."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        findings = data_findings.read(artifact_utils.get_single_uri(input_dict["report"]))
        stopping, others = data_findings.parted(findings, json.loads(exec_properties["stop_on"]))
        if stopping:
            window = examples.get_string_custom_property("window").split(",")
            span, folder = examples.get_string_custom_property("span"), exec_properties["spans_folder"]
            raise DataRejected(message(span, window, folder, stopping, others))


def message(span: str, window: list[str], folder: str, stopping: list[Finding], others: list[Finding]) -> str:
    """Say what was found, where the files are, and what to do."""
    lines = [f"The data of span {span} (window {','.join(window)}) were not trained on:"]
    lines += [f"- {finding}" for finding in stopping]
    if others:
        lines += ["Found too, and no reason to stop:", *(f"- {finding}" for finding in others)]
    files = f"Fix the files of {', '.join(window)} in {folder}"
    lines.append(f"{files}, or accept the change in the problem's schema.pbtxt or under [gate] in its problem.toml.")
    return "\n".join(lines)


def _read(artifacts, split: str, name: str) -> bytes:
    return (Path(artifact_utils.get_split_uri(artifacts, split)) / name).read_bytes()
