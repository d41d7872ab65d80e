"""The path to phones: MobileExporter, MobileEvaluator and a Publisher that follows the server's."""

from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx.dsl.components.base.base_node import BaseNode

from components.mobile_evaluator.component import MobileEvaluator
from components.mobile_evaluator.executor import MOBILE, SERVER
from components.mobile_exporter.component import MobileExporter
from components.publisher.component import Publisher
from components.shared.nodes import NodeId, Output
from components.shared.target import Target
from pipeline.config import Config
from pipeline.executors import chosen
from pipeline.forms import form_fields
from pipeline.model.evaluation import eval_config
from pipeline.parts import outputs
from pipeline.problem import inputs
from pipeline.shared.sections import Evaluate


def add_phone(nodes: list[BaseNode], config: Config, to_publish: dict[str, Any]) -> None:
    """Append three nodes to those before them, the server's Publisher among these.

    Args:
        nodes: of the DAG so far.
        config: its `[mobile]` section, most of all.
        to_publish: what both publishers get.
    """
    problem, mobile, made = config.problem, config.mobile, outputs(nodes)
    # Converts model and preprocessing to one file for phones, with its card.
    exporter = MobileExporter(
        model=Output.MODEL.of(made),
        transform_graph=Output.TRANSFORM_GRAPH.of(made),
        evaluation=Output.EVALUATION.of(made),
        production=Output.PRODUCTION.of(made),
        examples=Output.EXAMPLES.of(made),
        statistics=Output.STATISTICS.of(made),
        schema=Output.SCHEMA.of(made),
        columns=inputs(problem.features),
        features=form_fields(problem),
        words=problem.words,
        target=problem.target,
        model_name=problem.model,
        ship=mobile.ship,
        max_size_kb=mobile.max_size_kb,
        threshold=mobile.threshold,
    )
    # Holds the file's answers against the server's, row by row and slice by slice.
    evaluator = chosen(MobileEvaluator, config.components)(
        mobile_model=exporter.outputs["mobile_model"],
        model=Output.MODEL.of(made),
        model_blessing=Output.BLESSING.of(made),
        examples=Output.EXAMPLES.of(made),
        schema=Output.SCHEMA.of(made),
        columns=inputs(problem.features),
        eval_config=mobile_eval_config(config.evaluate, problem.target),
        target=problem.target,
        rows=mobile.parity_rows,
        max_difference={name: mobile.max_difference[name] for name in sorted({"float32", *mobile.ship})},
        max_changes={metric: getattr(mobile, setting) for metric, setting in problem.task.mobile.items()},
        min_slice_rows=mobile.min_slice_rows,
    )
    [before] = [node for node in nodes if node.id == NodeId.PUBLISHER]
    before.add_upstream_node(evaluator)  # an export that fails stops both
    # Follows with the phone's file, under the same number.
    publisher = Publisher(
        model=exporter.outputs["mobile_model"],
        model_blessing=evaluator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        folder=str(config.mobile_folder),
        follows=Output.PUSHED_MODEL.of(made),
        **to_publish,
    ).with_id(NodeId.MOBILE_PUBLISHER)
    nodes += [exporter, evaluator, publisher]


def mobile_eval_config(settings: Evaluate, target: Target) -> config_pb2.EvalConfig:
    """Make the Evaluator's configuration for two columns of scores, the phone's and the server's, without thresholds."""
    config = eval_config(settings, target)
    for spec, column in zip(config.model_specs, (MOBILE, SERVER), strict=True):
        spec.CopyFrom(
            config_pb2.ModelSpec(name=spec.name, label_key=target.label, prediction_key=column, is_baseline=spec.is_baseline)
        )
    for metric in config.metrics_specs[0].metrics:
        del metric.per_slice_thresholds[:]
    return config
