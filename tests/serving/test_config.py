"""The files in serving/config and docker-compose.yaml, read with TensorFlow Serving's protos, and taken by the local server."""

import json
import re
from importlib import metadata

import httpx
import pytest
import yaml
from conftest import REPOSITORY
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from tensorflow_serving.config import model_server_config_pb2

from components.shared.errors import BadConfig
from pipeline import config as pipeline_config
from serving.local_server import parse
from serving.server.parameters import METRICS, PACKAGE, POOL, Batching, read_batching, read_monitoring
from tests.serving.conftest import body
from tests.serving.servers import MODEL, copy_version, serving_here

FOLDER = REPOSITORY / "serving" / "config"
COMPOSE = yaml.safe_load((REPOSITORY / "serving" / "docker-compose.yaml").read_text())


def test_models_config():
    text = (FOLDER / "models.config").read_text()
    first, second = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert set(first.version_labels.values()) == set(first.model_version_policy.specific.versions)
    assert set(first.version_labels) == {"stable", "canary"}
    assert second.model_version_policy.latest.num_versions == 1
    assert first.name != second.name


def test_monitoring_config(tmp_path):
    """tensorflow_serving/config/monitoring_config.proto; model_servers/http_server.cc CreateAndStartHttpServer."""
    assert read_monitoring(FOLDER / "monitoring.config") == "/monitoring/prometheus/metrics"
    path = tmp_path / "monitoring.config"
    for text, where in {
        "": None,
        "prometheus_config { enable: true }": METRICS,
        'prometheus_config { path: "/m" }': None,
    }.items():
        path.write_text(text)
        assert read_monitoring(path) == where
    path.write_text("prometheus_config { enabled: true }")
    with pytest.raises(BadConfig, match=r'monitoring.config:1:21 : .* has no field named "enabled"'):
        read_monitoring(path)


def test_the_messages_have_tensorflow_servings_fields():
    """session_bundle_config.proto and monitoring_config.proto of 2.19.1, field by field."""
    batching = POOL.FindMessageTypeByName(f"{PACKAGE}.BatchingParameters").fields
    assert {field.name: field.message_type.name if field.message_type else field.type for field in batching} == {
        "max_batch_size": "Int64Value",
        "batch_timeout_micros": "Int64Value",
        "max_enqueued_batches": "Int64Value",
        "num_batch_threads": "Int64Value",
        "thread_pool_name": "StringValue",
        "allowed_batch_sizes": FieldDescriptor.TYPE_INT64,
        "pad_variable_length_inputs": FieldDescriptor.TYPE_BOOL,
        "enable_large_batch_splitting": "BoolValue",
        "max_execution_batch_size": "Int64Value",
    }
    assert [field.name for field in batching if field.is_repeated] == ["allowed_batch_sizes"]


def test_the_local_server_batches_like_the_shipped_file_says():
    assert read_batching(FOLDER / "batching.config") == Batching()


def test_a_batching_file_with_every_field(tmp_path):
    path = tmp_path / "b"
    path.write_text(
        "# why\nmax_batch_size { value: 64 } batch_timeout_micros: { value: 0 }  # at once\nmax_enqueued_batches { value: 3 }"
        'num_batch_threads { value: 5 } thread_pool_name { value: "mine" } allowed_batch_sizes: 8 allowed_batch_sizes: [64]'
        "pad_variable_length_inputs: true enable_large_batch_splitting { value: true } max_execution_batch_size { value: 8 }"
    )
    assert read_batching(path) == Batching(64, 0, 3, 5, "mine", True, 8, (8, 64), True)
    path.write_text("")
    found = read_batching(path)
    assert (found.max_batch_size, found.batch_timeout_micros, found.max_enqueued_batches, found.rows) == (1000, 0, 10, 1000)
    path.write_text("max_batch_size { value: 64 } enable_large_batch_splitting { value: true }")
    assert read_batching(path).rows == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size is 0; expected at least 1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros is -1; expected at least 0"),
        ("max_batch_size 4", "1:16 : 'max_batch_size 4': Expected \"{\""),
        ("nonsense", "nonsense"),
        ("\nmax_batch_sise { value: 4 }", '2:1 : .* has no field named "max_batch_sise"'),
        ("max_batch_size { value: 64 } allowed_batch_sizes: 8", "last of allowed_batch_sizes is 8; expected max_batch_size"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [8, 4]", "expected each larger than the one before"),
        (
            "max_batch_size { value: 4 } enable_large_batch_splitting { value: true } max_execution_batch_size { value: 8 }",
            "max_execution_batch_size is 8; expected at most max_batch_size",
        ),
    ],
)
def test_a_batching_file_that_tensorflow_serving_refuses(tmp_path, text, message):
    (tmp_path / "b").write_text(text)
    with pytest.raises(BadConfig, match=f"/b:.*{message}"):
        read_batching(tmp_path / "b")


def test_each_value_has_its_reason():
    for path in FOLDER.glob("*.config"):
        assert path.read_text().startswith("# "), path.name
    blocks = re.split(r"\n\n+", (FOLDER / "batching.config").read_text().strip())[1:]
    assert all(block.startswith("# ") for block in blocks)


def test_two_models_in_one_server(published, tmp_path):
    for number in (1, 2):
        copy_version(published.folder, tmp_path, number)
    (tmp_path / "models.config").write_text((FOLDER / "models.config").read_text().replace("my_model", MODEL))
    with serving_here(tmp_path, f"--batching_parameters_file={FOLDER / 'batching.config'}") as server:
        first = httpx.get(f"http://{server.rest}/v1/models/{MODEL}").json()["model_version_status"]
        second = httpx.get(f"http://{server.rest}/v1/models/{MODEL}_newest").json()["model_version_status"]
    assert [(status["version"], status["state"]) for status in first] == [("2", "AVAILABLE"), ("1", "AVAILABLE")]
    assert [(status["version"], status["state"]) for status in second] == [("2", "AVAILABLE")]


def test_the_image_is_pinned_once_and_not_newer_than_the_trainer():
    """A server may be older than the trainer as long as the model's operations are; it is tried by loading, not by number."""
    image = COMPOSE["services"]["server"]["image"]
    assert image == pipeline_config.load(pipeline_config.DEFAULT_FILE, []).canary.image
    assert image.removeprefix("tensorflow/serving:") == metadata.version("tensorflow-serving-api")


def test_compose_mounts_what_is_there():
    folder = REPOSITORY / "serving"
    for name, service in COMPOSE["services"].items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            source, target, mode = volume.rsplit(":", 2)
            assert mode == "ro"
            assert source.startswith("${MODELS:?") or (folder / source).exists()
            assert target.startswith("/")
    server = COMPOSE["services"]["server"]
    used = dict(flag.removeprefix("--").split("=") for flag in server["command"])
    assert (FOLDER / used["batching_parameters_file"].removeprefix("/config/")).exists()
    assert (FOLDER / used["monitoring_config_file"].removeprefix("/config/")).exists()


def test_the_local_server_takes_every_shipped_command_line():
    """docker-compose.yaml and all of k8s, as they stand; a flag that is unknown or misspelt is refused."""
    composed = COMPOSE["services"]["server"]["command"]
    files = sorted((REPOSITORY / "serving/k8s").rglob("*.yaml"))
    on_kubernetes = [flag for path in files for flag in re.findall(r"--\w+=[^\s}#]+", path.read_text())]
    assert len(on_kubernetes) >= 9
    for flags in (composed, on_kubernetes):
        options = parse(flags)
        assert (options.port, options.rest_api_port, options.enable_batching) == (8500, 8501, True)
        assert "--allow_version_labels_for_unavailable_models=true" in flags, "else TensorFlow Serving does not start"
    for wrong in ("--modelbasepath=/m", "--enable_batch=true", "--enable_batching=yes", "--port=65536", "--port=-1"):
        with pytest.raises(SystemExit):
            parse([wrong])


def test_prometheus_asks_where_the_server_answers():
    (job,) = yaml.safe_load((REPOSITORY / "serving/monitoring/prometheus.yaml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["server:8501"]}]
    assert f'"{job["metrics_path"]}"' in (FOLDER / "monitoring.config").read_text()


def test_the_dashboard_asks_for_metrics_that_exist(server, rows):
    request = body(signature_name="raw", instances=rows[:1])
    assert httpx.post(f"http://{server.rest}/v1/models/{MODEL}:predict", content=request).status_code == 200
    metrics = httpx.get(f"http://{server.rest}/monitoring/prometheus/metrics").text
    dashboard = json.loads((REPOSITORY / "serving/monitoring/grafana/dashboard.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r":tensorflow:[a-z:_]+", target["expr"])
    }
    assert len(asked) == 4
    for name in asked:
        assert re.search(rf"^{name}{{", metrics, re.MULTILINE), name
