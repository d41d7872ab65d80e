"""DataGate's work: stop the run or let it pass."""

import json

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.shared import data_findings
from components.shared.data_findings import Finding
from components.shared.errors import DataRejected


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Stop the run or bless the data. See `DataGate`. Raises DataRejected."""
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
