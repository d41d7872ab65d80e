"""A component is what its spec declares: TFX's own checks hold, and what is no plain value becomes JSON."""

from dataclasses import dataclass

import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from pydantic import BaseModel
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Examples, Model, Schema

from components.shared.component import Component, spec


class Limits(BaseModel):
    largest: float


@dataclass
class Shape:
    rows: int


class Node(Component):
    SPEC_CLASS = spec(
        inputs={"examples": Examples, "schema": Schema | None},
        outputs={"model": Model},
        parameters={
            "name": str,
            "key": str | None,
            "columns": dict,
            "limits": Limits | None,
            "shape": Shape | None,
            "message": Message | None,
        },
    )
    EXECUTOR_SPEC = ExecutorClassSpec(BaseExecutor)


def node(**further) -> Node:
    return Node(**{"examples": Channel(Examples), "name": "n", "columns": {"x": "float32"}} | further)


def test_what_is_given_is_kept_and_outputs_are_made():
    made = node(limits=Limits(largest=0.5), shape=Shape(rows=2), message=StringValue(value="said"))
    assert made.id == "Node"
    assert made.exec_properties == {
        "name": "n",
        "columns": '{"x": "float32"}',
        "limits": '{"largest":0.5}',
        "shape": '{"rows": 2}',
        "message": '"said"',
    }
    assert list(made.inputs) == ["examples"]
    assert (made.outputs["model"].type, made.outputs["model"].producer_component) == (Model, made)


def test_what_may_be_left_out_may_be_none():
    assert {name: value for name, value in node(key=None, limits=None, schema=None).exec_properties.items() if value} == {
        "name": "n",
        "columns": '{"x": "float32"}',
    }


def test_a_parameter_may_be_known_only_when_the_pipeline_runs():
    name = RuntimeParameter("name", str)
    assert node(name=name).exec_properties["name"] is name


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": 7}, "parameter 'name' but got 7"),
        ({"columns": ["x"]}, r"parameter 'columns' but got \['x'\]"),
        ({"limits": {"largest": 0.5}}, "Limits'> for parameter 'limits'"),
        ({"examples": Channel(Model)}, "examples"),
        ({"nmae": "n"}, "nmae"),
        ({"name": None}, "parameter 'name' but got None"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong, said):
    with pytest.raises((TypeError, ValueError), match=said):
        node(**wrong)


@pytest.mark.parametrize("name", ["examples", "name", "columns"])
def test_what_is_needed_may_not_be_missing(name):
    given = {"examples": Channel(Examples), "name": "n", "columns": {}}
    del given[name]
    with pytest.raises(ValueError, match=f"Missing argument '{name}'"):
        Node(**given)
