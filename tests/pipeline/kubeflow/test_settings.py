"""The section [kubeflow]: what is refused, and how nodes inherit."""

import pytest

from components.shared.errors import BadConfig
from pipeline.shared.kubeflow import Accelerator, Pod, Toleration
from tests.pipeline.checkout import configured
from tests.pipeline.kubeflow.packages import kubeflow_settings


@pytest.mark.parametrize("value", ["500m", "2", "0.5", "8Gi", "8G", "512Mi", "100k"])
def test_quantities_of_kubernetes(value):
    assert Pod(memory=value).memory == value


@pytest.mark.parametrize("value", ["", "8 Gi", "8GB", "-1", "Gi", "8K", "1e3 ", "8gi"])
def test_other_quantities_are_refused(value):
    with pytest.raises(ValueError, match="memory"):
        Pod(memory=value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('kubeflow.image="gcr.io/p/crosswind:latest"', "a tag or digest that stays is expected, since `latest` moves"),
        ('kubeflow.image="gcr.io/p/crosswind"', "kubeflow.image"),
        ('kubeflow.image="localhost:5000/crosswind"', "kubeflow.image"),
        ('kubeflow.pipeline_root="/mnt/pipelines"', "kubeflow.pipeline_root"),
        ('kubeflow.pipeline_root="gs://bucket/"', "kubeflow.pipeline_root"),
        ('kubeflow.folder="mnt"', "kubeflow.folder"),
        ('kubeflow.folder="/mnt/"', "kubeflow.folder"),
        ('kubeflow.spans="data/parcels/spans"', "kubeflow.spans"),
        ('kubeflow.experiment=""', "kubeflow.experiment"),
        ('kubeflow.remote=["Trainer"]', "kubeflow.remote.0"),
        ("kubeflow.nodes={Trainer = {cpus = '4'}}", "kubeflow.nodes.Trainer.cpus is not a setting; expected one of"),
        ("kubeflow.nodes={Trainer = {accelerator = {type = 'nvidia.com/gpu', count = 0}}}", "accelerator.count"),
        ("kubeflow.nodes={Trainer = {tolerations = [{key = 'x', effect = 'Never'}]}}", "effect"),
        ("kubeflow.every_node={retries = -1}", "kubeflow.every_node.retries"),
    ],
)
def test_wrong_values_are_refused_by_name(override, message):
    with pytest.raises(BadConfig) as caught:
        configured(override)
    assert message in str(caught.value)


@pytest.mark.parametrize("image", ["gcr.io/p/i:1.0", "h:5000/i:1", f"gcr.io/p/i@sha256:{'0' * 64}", "a/b:latest-2"])
def test_images_that_stay(image):
    assert kubeflow_settings(image=image).image == image


def test_a_node_takes_what_it_does_not_state_from_every_node():
    found = kubeflow_settings(
        every_node={"cpu": "1", "memory": "4Gi", "retries": 2, "tolerations": [{"key": "spot"}]},
        nodes={"Trainer": {"cpu": "8", "accelerator": {"type": "nvidia.com/gpu", "count": 2}}, "DataGate": {"retries": 0}},
    )
    trainer = found.node("Trainer")
    assert (trainer.cpu, trainer.memory, trainer.retries) == ("8", "4Gi", 2)
    assert trainer.accelerator == Accelerator(type="nvidia.com/gpu", count=2)
    assert trainer.tolerations == [Toleration(key="spot", operator="Exists", effect="NoSchedule")]
    assert found.node("DataGate").retries == 0  # stated, though it is the default
    assert found.node("Evaluator") == found.every_node


def test_a_list_that_a_node_states_takes_the_others_place():
    found = kubeflow_settings(
        every_node={"tolerations": [{"key": "spot"}]}, nodes={"Trainer": {"tolerations": [{"key": "gpu"}]}}
    )
    assert [each.key for each in found.node("Trainer").tolerations] == ["gpu"]
