"""The picture of the DAG: few arrows, nothing on top of anything, states in words."""

import re
from graphlib import CycleError
from itertools import combinations

import pytest

from components.run_report import dag_picture
from components.run_report.facts import Node
from tests.components.run_report import samples


def picture(upstream: dict[str, list[str]]):
    """Places of nodes and arrows' points, and the width."""
    return dag_picture.placed(dag_picture.reduced(upstream))


def test_an_arrow_that_follows_from_others_is_left_out():
    diamond = {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c", "b"]}
    assert dag_picture.reduced(diamond) == {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def test_a_node_stands_below_all_that_it_waits_for():
    layers = dag_picture.layered(samples.UPSTREAM)
    assert all(layers[parent] < layers[name] for name, parents in samples.UPSTREAM.items() for parent in parents)


def test_a_cycle_is_refused():
    with pytest.raises(CycleError):
        dag_picture.svg([Node(name="a", upstream=["b"], state="done"), Node(name="b", upstream=["a"], state="done")])


def test_the_pipeline_fits_a_phone_and_no_boxes_meet():
    places, width = picture(samples.UPSTREAM)
    assert width <= 360
    for one, other in combinations(samples.UPSTREAM, 2):
        if places[one][1] == places[other][1]:
            assert abs(places[one][0] - places[other][0]) >= dag_picture.BOX


def test_parents_that_would_cross_change_places():
    places, _ = picture({"left": [], "right": [], "of_right": ["right"], "of_left": ["left"]})
    assert (places["left"] < places["right"]) == (places["of_left"] < places["of_right"])


def test_states_are_said_in_words_and_the_node_that_failed_stands_out():
    drawn = dag_picture.svg(samples.stopped().nodes)
    label = re.search(r'aria-label="([^"]*)"', drawn)[1]
    assert "DataGate refused" in label
    assert "Trainer not run" in label
    assert drawn.count('class="node refused"') == 1
    assert "✕ refused · 0.4" in drawn


def test_the_same_nodes_give_the_same_picture():
    assert dag_picture.svg(samples.published().nodes) == dag_picture.svg(samples.published().nodes)


def test_names_are_escaped_and_unknown_upstream_nodes_left_out():
    drawn = dag_picture.svg([Node(name=samples.SCRIPT, upstream=["elsewhere"], state="done", seconds=1)])
    assert "<script" not in drawn
    assert drawn.count("&lt;script&gt;") == 2  # in the box, and in the picture's name


def test_no_nodes_are_an_empty_picture():
    assert "<rect" not in dag_picture.svg([])
