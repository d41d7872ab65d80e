"""MobileEvaluator: judges whether the phone's file is as good as the server's model."""

from google.protobuf.message import Message
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation, Schema

from components.mobile_evaluator.executor import Executor
from components.shared.component import BeamComponent, spec
from components.shared.target import Target


class MobileEvaluator(BeamComponent):
    """Lets the file that ships answer each evaluation row by itself, and TFMA take its answers as predictions, beside the
    server's. TFX's Evaluator runs a .tflite file only with a dynamic batch, and takes a wrong input name for an AUC of 0.5.

    Args:
        mobile_model: MobileExporter's.
        model, model_blessing: the server's, and whether the Evaluator blessed it: if not, the file is not blessed either.
        examples, schema: the eval split is scored.
        columns: raw columns, name to dtype.
        eval_config: metrics and slices for TFMA, with `executor.MOBILE` and `executor.SERVER` as prediction keys.
        target: what is predicted.
        rows: evaluation rows of the parity check; awkward ones are added.
        max_difference: variant to the largest difference of an answer; a variant without an entry does not ship.
        max_changes: metric, by TFMA's name, to the largest difference in a slice with at least `min_slice_rows` rows.

    Outputs:
        blessing: custom property `reason` why not.
        evaluation: TFMA's, the file as candidate and the server's model as baseline; and `parity.json`, a list of
            `parity_report.Parity`.
    """

    SPEC_CLASS = spec(
        inputs={
            "mobile_model": Model,
            "model": Model,
            "model_blessing": ModelBlessing,
            "examples": Examples,
            "schema": Schema,
        },
        outputs={"blessing": ModelBlessing, "evaluation": ModelEvaluation},
        parameters={
            "columns": dict,
            "eval_config": Message,
            "target": Target,
            "rows": int,
            "max_difference": dict,
            "max_changes": dict,
            "min_slice_rows": int,
        },
    )
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
