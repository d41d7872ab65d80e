"""Beam workers that are processes of their own: Beam's job service in this process stands in for an engine's."""

import sys

import pytest
from apache_beam.portability import python_urns
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from pipeline import config, dag
from pipeline.beam import settings as beam
from tests import neutral
from tests.beam import engines, nodes, outputs


@pytest.fixture
def job_service():
    service = LocalJobServicer()
    port = service.start_grpc_server(0)
    yield f"localhost:{port}"
    service.stop()


@pytest.fixture
def statistics(parcels, tmp_path):
    """Statistics of the newest window's training split, from the Beam nodes' code run as the settings say."""

    def of(name: str, *settings: str):
        loaded = config.load(problem=parcels, overrides=[f"run.root={tmp_path}", *settings])
        return loaded, nodes.of(dag.create_pipeline(loaded, neutral.MONTHS[-1]), name)

    _, gen = of("SpanExampleGen")
    nodes.run(gen, {}, tmp_path, nodes.LOCAL)

    def make(name: str, *settings: str, arguments: list[str] | None = None) -> dict:
        loaded, node = of("StatisticsGen", *settings)
        inputs = nodes.inputs_in(node, tmp_path, parcels / "schema.pbtxt")
        made = nodes.run(node, inputs, tmp_path / name, arguments or beam.arguments(loaded.beam))
        return outputs.statistics(f"{made['statistics'].uri}/Split-train/FeatureStats.pb")

    return make


def test_workers_in_other_processes_give_the_statistics_of_one_process(statistics, job_service, tmp_path):
    expected = statistics("local")
    assert int(expected["numExamples"]) > 1500
    found = statistics("multi_processing", "beam.runner=multi_processing", "beam.workers=2")
    assert outputs.differences(expected, found) == []
    with engines.worker_pool(tmp_path / "log") as pool:
        found = statistics("pool", "beam.runner=portable", f"beam.endpoint={job_service}", pool)
        assert outputs.differences(expected, found) == []
    found = statistics("container", arguments=as_in_a_container(job_service))
    assert outputs.differences(expected, found) == []


def as_in_a_container(job_service: str) -> list[str]:
    """What `beam.image` means, but for the container: it too starts Beam's own worker, which imports tfx as told."""
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={job_service}",
        f"--environment_type={python_urns.SUBPROCESS_SDK}",
        f"--environment_config={sys.executable} -m apache_beam.runners.worker.sdk_worker_main",
        "--sdk_container_image=none",
        beam.IMPORT_TFX,
    ]
