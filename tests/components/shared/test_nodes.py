"""Ids of nodes stand in one module, and are those of the DAG."""

import ast
from pathlib import Path

import pytest

from components.shared.nodes import REPORTED, NodeId, Output
from tests.components.shared import whole_dag

REPOSITORY = Path(__file__).parents[3]
PRODUCT = ("components", "data", "pipeline", "serving", "tflite")
LABELS = {("components/columnar/transform/executor.py", NodeId.TRANSFORM)}  # a step of Beam, which happens to be called so


def test_no_other_module_of_the_product_spells_an_id():
    """An id in quotes, which would stay behind when the node is renamed."""
    found = {
        (str(path.relative_to(REPOSITORY)), each.value)
        for folder in PRODUCT
        for path in (REPOSITORY / folder).rglob("*.py")
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(each, ast.Constant) and each.value in list(NodeId) and path.name != "nodes.py"
    }
    assert found - LABELS == set()


@pytest.mark.parametrize("validator", ["process", "docker"])
def test_the_dag_has_these_nodes_and_outputs(validator):
    nodes = {node.id: node for node in whole_dag.nodes(validator)}
    other = NodeId.INFRA_VALIDATOR if validator == "process" else NodeId.CANARY
    assert set(nodes) == set(NodeId) - {other}
    outputs = {name: node.outputs for name, node in nodes.items()}
    for output in Output:
        if output.node in nodes and output != Output.OLD_FINDINGS:
            assert output.of(outputs).producer_component_id == output.node
    here = {name: output for name, output in REPORTED.items() if output.node in nodes}
    assert set(nodes[NodeId.RUN_REPORT].inputs) == set(here)
