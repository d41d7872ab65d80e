"""Parts of the DAG that can be left out: each appends its nodes to those before it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who looks which parts there are does not wait for TFX
    from tfx.dsl.components.base.base_node import BaseNode
    from tfx.types.channel import OutputChannel


def outputs(nodes: "Iterable[BaseNode]") -> "dict[str, Mapping[str, OutputChannel]]":
    """Return the outputs of nodes by the node's id, of which `Output.NAME.of` picks one."""
    return {node.id: node.outputs for node in nodes}
