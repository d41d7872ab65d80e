"""MobileExporter: exports the same training as a TensorFlow Lite file with the preprocessing inside."""

from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Model, ModelEvaluation, Schema, TransformGraph

from components.mobile_exporter.executor import Executor
from components.shared.component import Component, spec
from components.shared.phone.card import Words
from components.shared.target import Target


class MobileExporter(Component):
    """Exports a TensorFlow Lite file. TFX's way rewrites a SavedModel without its preprocessing, or needs Select operations.

    Args:
        model, transform_graph: the Trainer's SavedModel, with a function `network`, and the preprocessing before it.
        evaluation: of that model, for the card.
        production: ProductionModel's; the card's version is the next one, or that of this very model if it is there already.
        examples, statistics, schema: for golden rows; for the base rate and typical values, of the training split; for the
            values that the card allows.
        columns: raw columns, name to dtype.
        features: the same, each with name, dtype, kind, unit, optional; for people also words, form, value_words, places,
            between, as in `FeatureCard`.
        target: what is predicted.
        model_name: for the card.
        ship: variants to publish, of `convert.VARIANTS`; the first is `model.tflite`.
        max_size_kb: largest size of a file that ships, in units of 1,000 bytes.
        threshold: probability from which on the answer is yes.
        words: of the problem, for people.

    Outputs:
        mobile_model: its serving folder has `model.tflite`, the other variants that ship, and `model_card.json`; the folder
            `variants` has all of them without a card. Custom property `version`: the number that the card states.
    """

    SPEC_CLASS = spec(
        inputs={
            "model": Model,
            "transform_graph": TransformGraph,
            "evaluation": ModelEvaluation,
            "production": Model,
            "examples": Examples,
            "statistics": ExampleStatistics,
            "schema": Schema,
        },
        outputs={"mobile_model": Model},
        parameters={
            "columns": dict,
            "features": list,
            "target": Target,
            "model_name": str,
            "ship": list,
            "max_size_kb": int,
            "threshold": float,
            "words": Words,
        },
    )
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
