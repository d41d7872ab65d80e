"""The files in serving/config and docker-compose.yaml, read with TensorFlow Serving's protos, and taken by the local server."""

import json
import re
from importlib import metadata

import httpx
import pytest
import yaml
from conftest import REPOSITORY
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

from components.errors import BadConfig
from pipeline import config as pipeline_config
from serving.local_server import parse
from serving.server.config import Batching, read_batching
from tests.serving.conftest import body
from tests.serving.servers import MODEL, copy_version, serving

BOOL, STRING, MESSAGE = (
    descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{kind}") for kind in ("BOOL", "STRING", "MESSAGE")
)
FOLDER = REPOSITORY / "serving" / "config"
COMPOSE = yaml.safe_load((REPOSITORY / "serving" / "docker-compose.yaml").read_text())


def test_models_config():
    text = (FOLDER / "models.config").read_text()
    first, second = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert first.name == MODEL
    assert set(first.version_labels.values()) == set(first.model_version_policy.specific.versions)
    assert set(first.version_labels) == {"stable", "canary"}
    assert second.model_version_policy.latest.num_versions == 1
    assert first.name != second.name


def message(fields: dict[str, int], inner: dict[str, int] | None = None) -> type:
    """A message of TensorFlow Serving built here, where its packages leave the proto out: field names to wire types."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="x.proto", package="x", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, found in (("Inner", inner or {}), ("Outer", fields)):
        definition = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(found.items(), 1):
            added = definition.field.add(name=field, number=number, type=kind, label=1)
            if kind == MESSAGE:
                added.type_name = ".x.Inner" if inner else ".google.protobuf.Int64Value"
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("x.Outer"))


def test_monitoring_config():
    """tensorflow_serving/config/monitoring_config.proto"""
    monitoring = message({"prometheus_config": MESSAGE}, {"enable": BOOL, "path": STRING})
    found = text_format.Parse((FOLDER / "monitoring.config").read_text(), monitoring()).prometheus_config
    assert found.enable
    assert found.path == "/monitoring/prometheus/metrics"


def test_batching_config_and_the_local_servers_reading_of_it():
    """tensorflow_serving/servables/tensorflow/session_bundle_config.proto, BatchingParameters"""
    names = ["max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"]
    path = FOLDER / "batching.config"
    found = text_format.Parse(path.read_text(), message(dict.fromkeys(names, MESSAGE))())
    assert read_batching(path) == Batching(**{field.name: value.value for field, value in found.ListFields()})
    assert read_batching(path) == Batching(), "the local server batches like production"


@pytest.mark.parametrize("text", ["max_batch_size { value: 0 }", "max_batch_size 4", "nonsense"])
def test_a_batching_config_that_is_none(tmp_path, text):
    (tmp_path / "b").write_text(text)
    with pytest.raises(BadConfig, match=r"/b: "):
        read_batching(tmp_path / "b")


def test_each_value_has_its_reason():
    for path in FOLDER.glob("*.config"):
        assert path.read_text().startswith("# "), path.name
    blocks = re.split(r"\n\n+", (FOLDER / "batching.config").read_text().strip())[1:]
    assert all(block.startswith("# ") for block in blocks)


def test_two_models_in_one_server(published, tmp_path):
    for number in (1, 2):
        copy_version(published.folder, tmp_path, number)
    (tmp_path / "models.config").write_text((FOLDER / "models.config").read_text())
    with serving(tmp_path, f"--batching_parameters_file={FOLDER / 'batching.config'}") as server:
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
            source, target, mode = volume.split(":")
            assert mode == "ro"
            assert source == "../runs/serving" or (folder / source).exists()
            assert target.startswith("/")
    server = COMPOSE["services"]["server"]
    used = dict(flag.removeprefix("--").split("=") for flag in server["command"])
    assert (FOLDER / used["batching_parameters_file"].removeprefix("/config/")).exists()
    assert (FOLDER / used["monitoring_config_file"].removeprefix("/config/")).exists()
    ours = vars(parse([]))
    assert {
        "port",
        "rest_api_port",
        "model_config_file",
        "enable_batching",
        "batching_parameters_file",
    } <= used.keys() & ours.keys()


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
