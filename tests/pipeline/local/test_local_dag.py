"""Closing nodes run whatever came of the others, and the store says what that was."""

from types import SimpleNamespace

import pytest

from components.shared import trace
from components.shared.errors import BadData
from pipeline.local import local_dag
from pipeline.local.progress import Began, Ended, Event
from tests.pipeline import small_dag

NODES = ("Make", "Use", "Close")
NUMBER = SimpleNamespace(node="Make", key="number")  # of a DAG that is not ours


def read(folder, name) -> trace.Trace:
    return trace.read(trace.open_store(folder / "metadata.db"), name)


def test_every_node_runs_in_one_run_of_the_given_name(tmp_path):
    told: list[Event] = []
    local_dag.run(small_dag.create(tmp_path), "first", tell=told.append)
    assert told == [event for number, node in enumerate(NODES, 1) for event in (Began(node, number, 3), Ended("done"))]
    assert trace.runs(trace.open_store(tmp_path / "metadata.db")) == ["first"]
    found = read(tmp_path, "first")
    assert {node: each.state for node, each in found.executions.items()} == {"Make": "done", "Use": "done", "Close": "done"}
    made, used = found.output(NUMBER), found.executions["Use"].inputs["number"]
    assert made and [each.id for each in used] == [made.id]
    assert (tmp_path / "said").read_text() == "14"


def test_a_failed_node_ends_the_run_but_for_the_closing_one(tmp_path):
    told: list[Event] = []
    with pytest.raises(BadData, match="no column returned"):
        local_dag.run(small_dag.create(tmp_path, broken=True), "stopped", tell=told.append)
    assert told == [Began("Make", 1, 3), Ended("failed"), Began("Close", 3, 3), Ended("done")]
    assert (tmp_path / "said").read_text() == "nothing"
    found = read(tmp_path, "stopped")
    assert {node: each.state for node, each in found.executions.items()} == {"Make": "failed", "Close": "done"}
    assert found.executions["Make"].message == "BadData: rows.parquet has no column returned."
    assert found.output(NUMBER) is None


@pytest.mark.parametrize(
    ("closing", "told"), [("breaks", "ZeroDivisionError: a bug"), ("leaves", "SystemExit: invalid value: 'open sesame'")]
)
def test_a_closing_node_that_fails_does_not_change_what_came_of_the_run_and_says_why(tmp_path, closing, told):
    local_dag.run(small_dag.create(tmp_path, closing=closing), "published")
    found = read(tmp_path, "published")
    assert found.executions["Close"].message == told
    assert {node: each.state for node, each in found.executions.items()} == {"Make": "done", "Use": "done", "Close": "failed"}


def test_up_to_a_node(tmp_path):
    told: list[Event] = []
    local_dag.run(small_dag.create(tmp_path), "part", up_to="Make", tell=told.append)
    assert told == [Began("Make", 1, 1), Ended("done")]
    assert list(read(tmp_path, "part").executions) == ["Make"]
    assert not (tmp_path / "said").exists()


def test_a_run_that_is_not_there(tmp_path):
    local_dag.run(small_dag.create(tmp_path), "first")
    with pytest.raises(KeyError):
        read(tmp_path, "second")


def test_a_closing_node_that_fails_after_another_leaves_that_ones_reason(tmp_path):
    with pytest.raises(BadData):
        local_dag.run(small_dag.create(tmp_path, broken=True, closing="breaks"), "stopped")
    found = read(tmp_path, "stopped").executions
    assert found["Make"].message == "BadData: rows.parquet has no column returned."
    assert found["Close"].message == "ZeroDivisionError: a bug"
