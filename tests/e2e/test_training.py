"""The Trainer's settings, from the command line: the same model again, a warm start, other strategies."""

import json

import pytest
from conftest import run, states

from components.model_store import store
from tests import neutral

FIRST, SECOND = neutral.MONTHS[1:]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("training") / "runs"


@pytest.fixture(scope="module")
def again(root, parcels):
    """The first of `parcel_runs`, once more in a root of its own."""
    result = run("--span", FIRST, problem=parcels, root=root)
    assert result.returncode == 0, result.stdout + result.stderr
    return root / "serving" / "parcels" / "1"


def test_the_same_configuration_gives_the_same_metrics(parcel_runs, again):
    published = parcel_runs.root / "serving" / "parcels" / "1"
    first, second = (json.loads((folder / "manifest.json").read_text())["metrics"] for folder in (published, again))
    assert first.keys() == second.keys() and len(first) > 5
    for slice_name, metrics in first.items():
        assert metrics == pytest.approx(second[slice_name], abs=1e-6)


def test_warm_start_takes_up_the_weights_in_production(again, root, parcels):
    result = run("--span", SECOND, "--set", "train.warm_start=true", problem=parcels, root=root)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Warm start: " in newest_log(root) and "Format-Serving" in newest_log(root)
    assert (again.parent / "2").is_dir()


@pytest.mark.parametrize("settings", [["mirrored", "custom"], ["pipeline", "custom"]], ids=" ".join)
def test_other_strategies_publish_too(again, root, parcels, settings):
    strategy, loop = settings
    options = {"train.strategy": strategy, "train.loop": loop, "train.devices": 2, "train.epochs": 2}
    overrides = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    result = run(*overrides, "--span", FIRST, problem=parcels, root=root)
    assert result.returncode == 0, result.stdout + result.stderr
    assert states(result.stdout)["Transform"] == "cached" and states(result.stdout)["Publisher"] == "done"
    assert store.production(again.parent).manifest.configuration["train"]["strategy"] == strategy


def test_a_tpu_that_is_not_there_stops_the_run_before_its_first_node(root, parcels):
    result = run("--span", FIRST, "--set", "train.strategy=tpu", problem=parcels, root=root)
    assert result.returncode == 1
    assert "TpuNotFound: No TPU: train.tpu is ''" in result.stdout
    assert not states(result.stdout)


def newest_log(root):
    return max((root / "logs").iterdir(), key=lambda path: path.stat().st_mtime_ns).read_text()
