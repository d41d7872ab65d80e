"""MobileExporter: exports the same training as a TensorFlow Lite file with the preprocessing inside."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.mobile_exporter import executor
from components.shared.phone.card import Words


class MobileExporterSpec(component_spec.ComponentSpec):
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "production": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {"mobile_model": component_spec.ChannelParameter(type=standard_artifacts.Model)}
    PARAMETERS = {
        "columns": component_spec.ExecutionParameter(type=str),
        "features": component_spec.ExecutionParameter(type=str),
        "label": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "ship": component_spec.ExecutionParameter(type=str),
        "max_size_kb": component_spec.ExecutionParameter(type=int),
        "threshold": component_spec.ExecutionParameter(type=float),
        "words": component_spec.ExecutionParameter(type=str),
    }


class MobileExporter(base_component.BaseComponent):
    """Exports a TensorFlow Lite file. TFX's way rewrites a SavedModel without its preprocessing, or needs Select operations.

    Outputs:
        mobile_model: `Model`; its serving folder has `model.tflite`, the other variants that ship, and `model_card.json`; the
            folder `variants` has all of them without a card. Custom property `version`: the number that the card states.
    """

    SPEC_CLASS = MobileExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        evaluation: channel.BaseChannel,
        production: channel.BaseChannel,
        examples: channel.BaseChannel,
        statistics: channel.BaseChannel,
        schema: channel.BaseChannel,
        features: list[dict[str, Any]],
        label: str,
        model_name: str,
        ship: Sequence[str],
        max_size_kb: int,
        threshold: float,
        words: Mapping[str, str] | None = None,
    ):
        """Args:
        model, transform_graph: the Trainer's SavedModel, with a function `network`, and the preprocessing before it.
        evaluation: of that model, for the card.
        production: ProductionModel's; the card's version is the next one, or that of this very model if it is there already.
        examples, statistics, schema: for golden rows; for the base rate and typical values, of the training split; for the
            values that the card allows.
        features: the raw inputs: name, dtype, kind, unit, optional; for people also words, form, value_words, places, between,
            as in `FeatureCard`.
        label, model_name: for the card.
        ship: variants to publish, of `variants.VARIANTS`; the first is `model.tflite`.
        max_size_kb: largest size of a file that ships, in units of 1,000 bytes.
        threshold: probability from which on the answer is yes.
        words: of the problem, for people, as in `Words`; those that are not given are neutral.
        """
        super().__init__(
            MobileExporterSpec(
                model=model,
                transform_graph=transform_graph,
                evaluation=evaluation,
                production=production,
                examples=examples,
                statistics=statistics,
                schema=schema,
                columns=json.dumps({feature["name"]: feature["dtype"] for feature in features}),
                features=json.dumps(features),
                label=label,
                model_name=model_name,
                ship=json.dumps(list(ship)),
                max_size_kb=max_size_kb,
                threshold=threshold,
                words=Words(**(words or {})).model_dump_json(),
                mobile_model=channel.Channel(type=standard_artifacts.Model),
            )
        )
