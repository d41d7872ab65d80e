"""The section [beam], and what Beam itself makes of the options."""

import socket

import pytest
from apache_beam.options import pipeline_options as options
from apache_beam.runners.runner import PipelineRunner, create_runner

from components.shared.errors import BadConfig
from pipeline.beam import settings as beam
from tests.pipeline.checkout import configured

IMAGE = "us-central1-docker.pkg.dev/my-project/crosswind/pipeline:0.1.0"
DATAFLOW = ["runner=dataflow", f"image={IMAGE}", "project=my-project", "region=us-central1", "temp_location=gs://my-bucket/tmp"]


def section(*overrides: str) -> beam.Beam:
    return configured(*(f"beam.{override}" for override in overrides)).beam


def test_the_default_is_one_process_and_names_an_image_so_that_tfx_packs_nothing():
    assert beam.arguments(section()) == ["--runner=FnApiRunner", "--sdk_container_image=none"]


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["runner=multi_processing", "workers=2"],
        ["runner=flink", "workers=4", "options=['--flink_version=1.20']"],
        ["runner=flink", "endpoint=flink-rest:8081", "worker_pool=localhost:50000"],
        ["runner=spark", "workers=4"],
        ["runner=spark", "endpoint=spark://master:7077", f"image={IMAGE}"],
        ["runner=portable", "endpoint=localhost:8099"],
        [*DATAFLOW, "workers=20", "options=['--worker_machine_type=n2-standard-4', '--no_use_public_ips']"],
    ],
)
def test_beam_knows_the_runner_and_every_option(overrides):
    arguments = beam.arguments(section(*overrides))
    parsed = options.PipelineOptions(arguments)
    assert parsed.get_all_options(retain_unknown_options=True) == parsed.get_all_options()
    assert isinstance(create_runner(parsed.view_as(options.StandardOptions).runner), PipelineRunner)


def test_what_an_engine_is_told():
    parsed = options.PipelineOptions(beam.arguments(section("runner=flink", "workers=4")))
    assert parsed.view_as(options.FlinkRunnerOptions).flink_master == "[local]"
    assert parsed.view_as(options.FlinkRunnerOptions).parallelism == 4
    assert parsed.view_as(options.PortableOptions).environment_type == "LOOPBACK"
    parsed = options.PipelineOptions(beam.arguments(section("runner=spark", "workers=4")))
    assert parsed.view_as(options.SparkRunnerOptions).spark_master_url == "local[4]"
    pool = ["runner=portable", "endpoint=job-server:8099", "worker_pool=localhost:50000", "workers=4"]
    parsed = options.PipelineOptions(beam.arguments(section(*pool)))
    assert parsed.view_as(options.PortableOptions).job_endpoint == "job-server:8099"
    assert parsed.view_as(options.PortableOptions).environment_type == "EXTERNAL"
    assert parsed.view_as(options.PortableOptions).environment_config == "localhost:50000"
    parsed = options.PipelineOptions(beam.arguments(section(*DATAFLOW, "workers=20")))
    assert parsed.view_as(options.WorkerOptions).sdk_container_image == IMAGE
    assert parsed.view_as(options.WorkerOptions).max_num_workers == 20
    assert parsed.view_as(options.SetupOptions).beam_plugins == ["tfx"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["runner=direct"], "beam.runner = 'direct': Input should be 'local', 'multi_processing', 'flink'"),
        (["arguments=[]"], "beam.arguments is not a setting; expected one of runner, workers, endpoint, worker_pool, image"),
        (["workers=0"], "beam.workers = 0: Input should be greater than or equal to 1"),
        (["workers=2"], "runner local does not read workers; leave it out, or choose multi_processing, flink, spark"),
        (["runner=spark", "project=p"], "runner spark does not read project; leave it out, or choose dataflow"),
        (["runner=dataflow", "project=p"], "runner dataflow needs image, region, temp_location"),
        ([*DATAFLOW, "temp_location=/tmp/x"], "beam.temp_location = '/tmp/x': String should match pattern"),
        (
            [*DATAFLOW, "endpoint=localhost:1"],
            "runner dataflow does not read endpoint; leave it out, or choose flink, spark, por",
        ),
        (["runner=portable"], "runner portable needs endpoint"),
        (["runner=portable", "endpoint=http://localhost:1"], "'http://localhost:1' is not one of portable; expected host:port"),
        (["runner=spark", "endpoint=localhost:7077"], "'localhost:7077' is not one of spark; expected spark://host:port"),
        (
            ["runner=flink", "endpoint=10.0.0.7:8081"],
            "engine at 10.0.0.7:8081 cannot reach workers in this process; expected wor",
        ),
        (["runner=flink", f"image={IMAGE}", "worker_pool=a:1"], "worker_pool and image are two places for the same workers"),
        (["runner=flink", "worker_pool=pool"], "beam.worker_pool = 'pool': String should match pattern"),
        (["options=['--runner=FlinkRunner']"], "--runner contradicts what the section says; set runner of"),
        (["options=['--environment_type=DOCKER']"], r"set worker_pool or image of \[beam\] instead"),
        (["options=['--flink_version', '1.20']"], "'1.20' is not understood; expected --name or --name=value"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(overrides, message):
    with pytest.raises(BadConfig, match=message):
        section(*overrides)


@pytest.mark.parametrize("overrides", [DATAFLOW, ["runner=flink", f"image={IMAGE}"]])
def test_workers_that_do_not_see_this_machines_folders_are_refused_on_it(overrides):
    with pytest.raises(BadConfig, match="which do not see the folders that a local run reads and writes"):
        beam.check_here(section(*overrides))


def test_an_engine_that_does_not_answer_is_named_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        beam.check_here(section("runner=portable", f"endpoint=localhost:{port}"))
    for runner, endpoint in (
        ("portable", f"localhost:{port}"),
        ("spark", f"spark://localhost:{port}"),
        ("flink", "localhost:99999"),
    ):
        with pytest.raises(BadConfig, match=f"beam.endpoint = '{endpoint}' does not answer: .*Start the engine there"):
            beam.check_here(section(f"runner={runner}", f"endpoint={endpoint}"))
    beam.check_here(section())
