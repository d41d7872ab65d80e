"""MobileEvaluator: judges whether the phone's file is as good as the server's model."""

import json
from typing import Any

from google.protobuf import json_format
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.mobile_evaluator import executor


class MobileEvaluatorSpec(component_spec.ComponentSpec):
    INPUTS = {
        "mobile_model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
    }
    PARAMETERS = {
        "columns": component_spec.ExecutionParameter(type=str),
        "eval_config": component_spec.ExecutionParameter(type=str),
        "rows": component_spec.ExecutionParameter(type=int),
        "max_difference": component_spec.ExecutionParameter(type=str),
        "max_auc_change": component_spec.ExecutionParameter(type=float),
        "max_log_loss_change": component_spec.ExecutionParameter(type=float),
        "min_slice_rows": component_spec.ExecutionParameter(type=int),
    }


class MobileEvaluator(base_beam_component.BaseBeamComponent):
    """Lets the file that ships answer each evaluation row by itself, and TFMA take its answers as predictions, beside the
    server's. TFX's Evaluator runs a .tflite file only with a dynamic batch, and takes a wrong input name for an AUC of 0.5.

    Outputs:
        blessing: `ModelBlessing`; custom property `reason` why not.
        evaluation: `ModelEvaluation`, TFMA's, the file as candidate and the server's model as baseline; and `parity.json`, a
            list of `parity_report.Parity`.
    """

    SPEC_CLASS = MobileEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        mobile_model: channel.BaseChannel,
        model: channel.BaseChannel,
        model_blessing: channel.BaseChannel,
        examples: channel.BaseChannel,
        schema: channel.BaseChannel,
        columns: dict[str, str],
        eval_config: Any,
        rows: int,
        max_difference: dict[str, float],
        max_auc_change: float,
        max_log_loss_change: float,
        min_slice_rows: int,
    ):
        """Args:
        mobile_model: MobileExporter's.
        model, model_blessing: the server's, and whether the Evaluator blessed it: if not, the file is not blessed either.
        examples, schema: the eval split is scored.
        columns: raw columns, name to dtype.
        eval_config: metrics and slices for TFMA, with `executor.MOBILE` and `executor.SERVER` as prediction keys.
        rows: evaluation rows of the parity check; awkward ones are added.
        max_difference: variant to the largest difference of a probability; a variant without an entry does not ship.
        max_auc_change, max_log_loss_change: largest difference in a slice with at least `min_slice_rows` rows.
        """
        super().__init__(
            MobileEvaluatorSpec(
                mobile_model=mobile_model,
                model=model,
                model_blessing=model_blessing,
                examples=examples,
                schema=schema,
                columns=json.dumps(columns),
                eval_config=json_format.MessageToJson(eval_config, indent=None),
                rows=rows,
                max_difference=json.dumps(max_difference),
                max_auc_change=max_auc_change,
                max_log_loss_change=max_log_loss_change,
                min_slice_rows=min_slice_rows,
                blessing=channel.Channel(type=standard_artifacts.ModelBlessing),
                evaluation=channel.Channel(type=standard_artifacts.ModelEvaluation),
            )
        )
