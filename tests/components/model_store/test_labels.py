"""A models.config beside the model's folder says what is in production, and what must stay."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from components.model_store import labels, store
from components.model_store.manifest import Facts
from components.model_store.restore import restore
from components.shared.errors import BadConfig, ProductionPinned, VersionNotFound


def publish(root: Path, weights: str, keep: int = 10) -> tuple[int, str]:
    """Publishes a model of these weights; returns its version and why it is not new."""
    source = root / "models" / weights
    source.mkdir(parents=True, exist_ok=True)
    (source / "saved_model.pb").write_text(weights)
    version, reason = store.publish(root / "serving" / "m", source, {}, Facts(span=weights), keep)
    return version.number, reason


def steer(root: Path, versions: list[int], model: str = "m", **named: int) -> Path:
    """Writes a models.config that loads `versions` under the labels named. Returns the model's folder."""
    policy = " ".join(f"versions: {number}" for number in versions)
    lines = " ".join(f'version_labels {{ key: "{label}" value: {number} }}' for label, number in named.items())
    (root / "serving").mkdir(exist_ok=True)
    (root / "serving" / labels.CONFIG).write_text(
        f'model_config_list {{ config {{ name: "{model}" base_path: "/models/{model}" '
        f"model_version_policy {{ specific {{ {policy} }} }} {lines} }} }}"
    )
    return root / "serving" / "m"


@pytest.fixture
def root(tmp_path):
    """Versions 1 to 3, of the models a, b and c."""
    for weights in "abc":
        publish(tmp_path, weights)
    return tmp_path


def test_the_stable_version_is_in_production(root):
    folder = steer(root, [1, 2], stable=1, canary=2)
    assert labels.read(folder) == labels.Pins({"stable": 1, "canary": 2}, (1, 2))
    assert store.production(folder).manifest.span == "a"
    assert store.newest(folder).number == 3


def test_without_a_stable_label_it_is_the_newest_of_those_listed(root):
    assert store.production(steer(root, [2, 1])).number == 2


@pytest.mark.parametrize("model", ["other", "m2"])
def test_a_config_of_other_models_pins_nothing(root, model):
    folder = steer(root, [1], model, stable=1)
    assert labels.read(folder) == labels.Pins()
    assert store.production(folder).number == 3


def test_a_model_without_a_policy_is_served_at_its_newest(root):
    (root / "serving" / labels.CONFIG).write_text('model_config_list { config { name: "m" base_path: "/m" } }')
    assert store.production(root / "serving" / "m").number == 3


def test_a_field_of_a_newer_server_does_not_stop_a_run(root):
    folder = steer(root, [2], stable=2)
    path = root / "serving" / labels.CONFIG
    path.write_text(path.read_text().replace("base_path", "of_the_future { a: 1 } base_path"))
    assert store.production(folder).number == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_config_list {", r"models\.config is not a config of TensorFlow Serving"),
        (
            'model_config_list { config { name: "m" } config { name: "m" } }',
            r"/serving/models\.config lists the model m 2 times; expected once",
        ),
        ("\x00", "is not a config"),
        ("\xff", r"/serving/models\.config cannot be read: 'utf-8' codec can't decode"),
    ],
)
def test_a_config_that_cannot_be_read_is_refused(root, text, message):
    (root / "serving" / labels.CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadConfig, match=message):
        store.production(root / "serving" / "m")


def test_a_pinned_version_that_is_gone_is_named(root):
    folder = steer(root, [9], stable=9)
    with pytest.raises(VersionNotFound, match=r"has version 9 of m in production, which is not in .* one of 1, 2, 3"):
        store.production(folder)
    with pytest.raises(VersionNotFound):
        publish(root, "d")
    assert store.versions(folder) == [1, 2, 3]


def test_versions_that_the_config_names_are_kept(root):
    folder = steer(root, [1, 2], stable=1, previous=2)
    for weights in "def":
        publish(root, weights, keep=1)
    assert store.versions(folder) == [1, 2, 6]


def test_a_new_model_is_published_above_the_newest_and_waits(root):
    folder = steer(root, [1], stable=1)
    assert publish(root, "d") == (4, "")
    assert store.production(folder).number == 1


def test_a_model_that_is_there_already_is_not_published_again(root):
    steer(root, [1], stable=1)
    assert publish(root, "a") == (1, "version 1 in production is this very model")
    assert publish(root, "c") == (3, "version 3, which is not in production, is this very model")


def test_what_was_withdrawn_stays_withdrawn_when_an_older_version_is_pinned(root):
    folder = root / "serving" / "m"
    assert restore(folder, None, keep=10)[1].number == 4
    steer(root, [1], stable=1)  # a manifest from before the rollback, which lists nothing
    assert publish(root, "d") == (5, "")
    assert publish(root, "c") == (1, "this very model was version 3, which a rollback took out of production")


def test_a_rollback_by_a_new_version_is_refused_when_it_would_change_nothing(root):
    folder = steer(root, [1, 2], stable=2, previous=1)
    with pytest.raises(
        ProductionPinned, match=r"has version 2 of m in production.*`python -m serving\.promote --problem FOLDER --rollback`"
    ):
        restore(folder, None, keep=10)
    assert store.versions(folder) == [1, 2, 3]


def test_no_tensorflow_is_imported():
    code = "import sys, components.model_store.labels; assert not {'tensorflow', 'tfx', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
