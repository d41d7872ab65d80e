"""Labels after a move, and the text of the config around them."""

import functools

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from components.shared.errors import BadConfig, VersionNotFound
from serving import promote
from serving.labels_file import ServerConfig


def to_canary(version):
    return functools.partial(promote.to_canary, version)


def to_stable(version):
    return functools.partial(promote.to_stable, version)


NUMBERS = st.integers(1, 5)


@pytest.mark.parametrize(
    ("move", "before", "after"),
    [
        (to_canary(4), {"stable": 3}, {"stable": 3, "canary": 4}),
        (to_canary(5), {"stable": 3, "canary": 4}, {"stable": 3, "canary": 5}),
        (to_stable(4), {"stable": 3}, {"stable": 4, "previous": 3}),
        (to_stable(4), {"stable": 3, "canary": 4}, {"stable": 4, "previous": 3}),
        (to_stable(5), {"stable": 3, "canary": 4}, {"stable": 5, "canary": 4, "previous": 3}),
        (to_stable(3), {"stable": 3, "previous": 2}, {"stable": 3, "previous": 2}),
        (to_stable(3), {}, {"stable": 3}),
        (promote.back, {"stable": 3, "canary": 4, "previous": 2}, {"stable": 3, "previous": 2}),
        (promote.back, {"stable": 3, "previous": 2}, {"stable": 2}),
        (to_stable(4), {"stable": 3, "blue": 1}, {"stable": 4, "previous": 3, "blue": 1}),
    ],
)
def test_a_move(move, before, after):
    assert move(before) == after


def test_the_version_in_production_is_no_canary():
    with pytest.raises(BadConfig, match="Version 3 is in production already; expected a canary beside another"):
        to_canary(3)({"stable": 3})


def test_nothing_to_go_back_to():
    with pytest.raises(VersionNotFound, match="no canary to take back and no previous version"):
        promote.back({"stable": 3})


@given(st.integers(1, 5), st.lists(st.tuples(st.sampled_from(["canary", "stable", "back"]), NUMBERS), max_size=12))
def test_after_any_moves_something_is_stable_and_no_canary_is_it(production, steps):
    labels = {"stable": production}
    for name, number in steps:
        move = {"canary": to_canary(number), "stable": to_stable(number), "back": promote.back}[name]
        try:
            labels = move(labels)
        except (BadConfig, VersionNotFound):
            continue
    assert "stable" in labels
    assert labels.get("canary") != labels["stable"]


TEXT = """# Steered by serving.promote.
# Two lines of it.

model_config_list {
  config { name: "other" base_path: "/models/other" model_platform: "tensorflow" version_labels { key: "stable" value: 9 } }
  config { name: "m" base_path: "gs://bucket/m" model_platform: "tensorflow" model_version_policy { all { } } }
}
"""


def test_all_else_stays():
    text = ServerConfig(TEXT, "m", "x").with_pins({"stable": 2}, {2, 1})
    assert text.startswith("# Steered by serving.promote.\n# Two lines of it.\n\nmodel_config_list {")
    before, after = (text_format.Parse(each, ModelServerConfig()).model_config_list for each in (TEXT, text))
    assert after.config[0] == before.config[0]
    assert after.config[1].base_path == "gs://bucket/m"
    assert list(after.config[1].model_version_policy.specific.versions) == [1, 2]
    assert dict(after.config[1].version_labels) == {"stable": 2}
    assert ServerConfig(text, "m", "x").pins.production == 2


def test_a_model_that_is_not_listed_is_added():
    text = ServerConfig(TEXT, "new", "x").with_pins({"stable": 1}, {1})
    assert [config.name for config in text_format.Parse(text, ModelServerConfig()).model_config_list.config] == [
        "other",
        "m",
        "new",
    ]
    assert ServerConfig("", "new", "x").pins.labels == {}


def test_a_config_that_would_lose_something_is_refused():
    with pytest.raises(BadConfig, match="is not a config of TensorFlow Serving that is understood whole"):
        ServerConfig("model_config_list { of_the_future: 1 }", "m", "x").with_pins({}, {1})
