"""The server's try of a candidate: Canary, or TFX's InfraValidator with TensorFlow Serving's own image."""

from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.channel import OutputChannel

from components.canary.checks import ServingLimits
from components.canary.component import Canary
from components.canary.docker import in_docker
from components.shared.nodes import Output
from pipeline.config import Config
from pipeline.parts import outputs
from pipeline.problem import inputs


def add_canary(nodes: list[BaseNode], config: Config) -> OutputChannel:
    """Add the node that starts a server on the candidate, and return its blessing.

    Args:
        nodes: those before it, to which it is appended.
        config: `canary.validator` chooses the node.
    """
    settings, made = config.canary, outputs(nodes)
    model, examples = Output.MODEL.of(made), Output.EXAMPLES.of(made)
    if settings.validator == "process":
        node: BaseNode = Canary(
            model=model,
            production=Output.PRODUCTION.of(made),
            model_blessing=Output.BLESSING.of(made),
            examples=examples,
            columns=inputs(config.problem.features),
            target=config.problem.target,
            command=settings.command,
            rows=settings.rows,
            load_seconds=settings.load_seconds,
            answer_seconds=settings.answer_seconds,
            limits=ServingLimits(**settings.limits()),
        )
    else:
        node = in_docker(
            model=model,
            examples=examples,
            image=settings.image,
            model_name=config.problem.model,
            rows=settings.rows,
            load_seconds=settings.load_seconds,
        )
    nodes.append(node)
    return node.outputs[Output.INFRA_BLESSING.key]
