"""DataChecks says what is wrong with the data; DataGate stops the run before Transform when they are unfit."""

import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.data_gate import executor, gate
from components.shared.artifacts import DataBlessing, DataGateReport


class DataChecksSpec(component_spec.ComponentSpec):
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {"report": component_spec.ChannelParameter(type=DataGateReport)}
    PARAMETERS = {
        "label": component_spec.ExecutionParameter(type=str),
        "min_rows": component_spec.ExecutionParameter(type=int),
        "min_eval_days": component_spec.ExecutionParameter(type=int),
        "min_positive_share": component_spec.ExecutionParameter(type=float),
        "max_positive_share": component_spec.ExecutionParameter(type=float),
        "max_repeated_share": component_spec.ExecutionParameter(type=float),
        "may_be_constant": component_spec.ExecutionParameter(type=str),
    }


class DataChecks(base_component.BaseComponent):
    """Collects what is wrong with the data, ExampleValidator's anomalies among it, and never stops the run.

    TFX drops what a failed node has written. So this node reports and `DataGate` stops: the report is there either way.

    Outputs:
        report: `DataGateReport`.
    """

    SPEC_CLASS = DataChecksSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        schema: channel.BaseChannel,
        statistics: channel.BaseChannel,
        anomalies: channel.BaseChannel,
        label: str,
        min_rows: int,
        min_eval_days: int,
        min_positive_share: float,
        max_positive_share: float,
        max_repeated_share: float,
        may_be_constant: list[str],
    ):
        """Args:
        examples, schema, statistics, anomalies: of the same run; all their splits are checked.
        label: the feature whose mean is the share of positives.
        min_rows: rows that each split needs.
        min_eval_days: days that must have rows in the evaluation split.
        min_positive_share, max_positive_share: bounds, both allowed, of the share of positives in each split.
        max_repeated_share: the largest share of a span's rows that may repeat an earlier one.
        may_be_constant: features that may have only one value in the training split.
        """
        super().__init__(
            DataChecksSpec(
                examples=examples,
                schema=schema,
                statistics=statistics,
                anomalies=anomalies,
                label=label,
                min_rows=min_rows,
                min_eval_days=min_eval_days,
                min_positive_share=min_positive_share,
                max_positive_share=max_positive_share,
                max_repeated_share=max_repeated_share,
                may_be_constant=json.dumps([*may_be_constant, label]),
                report=channel.Channel(type=DataGateReport),
            )
        )


class DataGateSpec(component_spec.ComponentSpec):
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "report": component_spec.ChannelParameter(type=DataGateReport),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=DataBlessing)}
    PARAMETERS = {
        "stop_on": component_spec.ExecutionParameter(type=str),
        "spans_folder": component_spec.ExecutionParameter(type=str),
    }


class DataGate(base_component.BaseComponent):
    """Stops the run when the data are unfit; TFX's ExampleValidator reports anomalies and lets the run continue.

    Outputs:
        blessing: `DataBlessing`, when the data passed.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(gate.Executor)

    def __init__(
        self, *, examples: channel.BaseChannel, report: channel.BaseChannel, stop_on: Sequence[str], spans_folder: str
    ):
        """Args:
        examples: of the same run, for their span and window.
        report: of DataChecks.
        stop_on: severities that stop the run, "error", "warning" or both; the others are only reported.
        spans_folder: where the files are, for the message.
        """
        super().__init__(
            DataGateSpec(
                examples=examples,
                report=report,
                stop_on=json.dumps(stop_on),
                spans_folder=spans_folder,
                blessing=channel.Channel(type=DataBlessing),
            )
        )
