"""DataChecks says what is wrong with the data; DataGate stops the run before Transform when they are unfit."""

from typing import Any

from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.standard_artifacts import ExampleAnomalies, Examples, ExampleStatistics, Schema

from components.data_gate import executor
from components.shared.artifacts import DataBlessing, DataGateReport
from components.shared.component import Component, spec
from components.shared.target import Target


class DataChecks(Component):
    """Collects what is wrong with the data, ExampleValidator's anomalies among it, and never stops the run.

    TFX drops what a failed node has written. So this node reports and `DataGate` stops: the report is there either way.

    Args:
        examples, schema, statistics, anomalies: of the same run; all their splits are checked.
        target: the label.
        min_rows: rows that each split needs.
        min_eval_days: days that must have rows in the evaluation split.
        label_limits: the task's settings of [gate] to their values, as `checks.label_shares` takes them.
        may_be_absent: classes that the training split may lack.
        max_repeated_share: the largest share of a span's rows that may repeat an earlier one.
        max_categories: distinct strings that a feature may have.
        may_be_constant: features that may have only one value in the training split.

    Outputs:
        report: what was found.
    """

    SPEC_CLASS = spec(
        inputs={"examples": Examples, "schema": Schema, "statistics": ExampleStatistics, "anomalies": ExampleAnomalies},
        outputs={"report": DataGateReport},
        parameters={
            "target": Target,
            "min_rows": int,
            "min_eval_days": int,
            "label_limits": dict,
            "may_be_absent": list,
            "max_repeated_share": float,
            "max_categories": int,
            "may_be_constant": list,
        },
    )
    EXECUTOR_SPEC = ExecutorClassSpec(executor.ChecksExecutor)

    def __init__(self, *, target: Target, may_be_constant: list[str], **given: Any):
        shares = [target.label] if target.task.bounded else []  # their limits say more of such a label
        super().__init__(target=target, may_be_constant=[*may_be_constant, *shares], **given)


class DataGate(Component):
    """Stops the run when the data are unfit; TFX's ExampleValidator reports anomalies and lets the run continue.

    Args:
        examples: of the same run, for their span and window.
        report: of DataChecks.
        stop_on: severities that stop the run, "error", "warning" or both; the others are only reported.
        spans_folder: where the files are, for the message.

    Outputs:
        blessing: when the data passed.
    """

    SPEC_CLASS = spec(
        inputs={"examples": Examples, "report": DataGateReport},
        outputs={"blessing": DataBlessing},
        parameters={"stop_on": list, "spans_folder": str},
    )
    EXECUTOR_SPEC = ExecutorClassSpec(executor.GateExecutor)
