"""What the server does while the folder of versions changes."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

from components.canary.server import free_ports
from components.model_store import contents, store
from components.model_store.manifest import MANIFEST
from components.model_store.signature import NO_KEYS, SIGNATURE, sign
from components.shared.errors import BadConfig, CorruptModel, RootUnusable
from pipeline.keys import PUBLIC
from serving.client import Target, connect
from serving.local_server import main, parse
from serving.refused import Refused, StatusCode
from serving.server.run import follow, listen, make_core, make_web
from serving.server.servable import Servable
from serving.server.versions import Wanted
from tests.components.model_store.keys import make_keys
from tests.serving.servers import MODEL, copy_version, serving, state


def until(condition, seconds=30):
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not become true in time"
        time.sleep(0.05)


@pytest.fixture
def own_models(published, tmp_path):
    copy_version(published.folder, tmp_path / "models")
    return tmp_path / "models"


def versions_of(answers):
    return [answer["version"] for answer in answers]


def test_a_new_version_takes_over_and_no_request_is_lost(own_models, published, rows):
    with serving(own_models) as server, connect(Target(f"http://{server.rest}", MODEL, attempts=1)) as client:
        stop, scores = threading.Event(), []

        def keep_asking():
            while not stop.is_set():
                scores.append(client.predict(rows[:3]))

        asking = threading.Thread(target=keep_asking)
        asking.start()
        try:
            copy_version(published.folder, own_models / "elsewhere", 2)
            (own_models / "elsewhere" / MODEL / "2").rename(own_models / MODEL / "2")
            until(lambda: state(server, 2) == "AVAILABLE" and state(server, 1) == "END")
        finally:
            stop.set()
            asking.join()
        assert len(scores) > 10
        assert client.states() == {1: "END", 2: "AVAILABLE"}


BREAK = {
    "half written": lambda folder: (folder / "saved_model.pb").unlink(),
    "torn": lambda folder: (folder / "saved_model.pb").write_bytes((folder / "saved_model.pb").read_bytes()[:1000]),
    "without its weights": lambda folder: shutil.rmtree(folder / "variables"),
    "other than its manifest": lambda folder: (folder / contents.STATISTICS).write_bytes(b"other"),
    "with a manifest that is none": lambda folder: (folder / MANIFEST).write_text("{}"),
}


def test_a_broken_version_changes_nothing_and_is_served_when_it_is_mended(own_models, published, rows):
    with serving(own_models) as server, connect(Target(f"http://{server.rest}", MODEL)) as client:
        for number, (name, harm) in enumerate(BREAK.items(), 2):
            folder = copy_version(published.folder, own_models / "elsewhere", number)
            harm(folder)
            if "manifest" not in name:
                (folder / MANIFEST).unlink()
            folder.rename(own_models / MODEL / str(number))
            until(lambda number=number: state(server, number) == "END")
            assert len(client.predict(rows[:2])) == 2, name
            status = httpx.get(f"http://{server.rest}/v1/models/{MODEL}/versions/{number}").json()["model_version_status"][0]
            assert status["status"]["error_code"] == "UNKNOWN", name
            assert status["status"]["error_message"], name
        assert client.states()[1] == "AVAILABLE"
        mended = own_models / MODEL / str(number)
        shutil.copyfile(published.folder / MANIFEST, mended / MANIFEST)
        until(lambda: state(server, number) == "AVAILABLE")


def test_only_signed_versions_are_served_when_a_key_is_given(published, tmp_path):
    keys = make_keys(tmp_path / "keys")
    models = tmp_path / "models"
    for number, signing in ((1, NO_KEYS), (2, keys), (4, keys)):
        store.write(
            models / MODEL, published.folder, {}, published.manifest.model_copy(update={"version": number}), keys=signing
        )
    shutil.copy(models / MODEL / "4" / SIGNATURE, models / MODEL / "2")
    shutil.copytree(models / MODEL / "4", models / MODEL / "3")
    (models / "models.config").write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" model_platform: "tensorflow" model_version_policy {{ all {{}} }} }} }}'
    )
    options = parse([f"--models={models}", f"--public_key={tmp_path / 'keys' / PUBLIC}"])
    versions = make_core(options).versions
    versions.poll()
    states = {each.version: each.status.error_message for each in versions.status(Wanted(MODEL)).model_version_status}
    assert versions.models[MODEL].available() == [4]
    assert "SignatureInvalid: " in states[1]
    assert "is not signed: there is no manifest.json.sig" in states[1]
    assert "was not signed so by a key that is trusted" in states[2]
    assert "says that it is version 4 of flight_delay" in states[3]
    manifest = (models / MODEL / "2" / MANIFEST).read_bytes()
    (models / MODEL / "2" / SIGNATURE).write_bytes(sign(manifest, keys.private))  # of the same size
    versions.poll()
    assert versions.models[MODEL].available() == [2, 4]


def test_a_key_that_cannot_be_read_serves_nothing(own_models, tmp_path):
    server = [sys.executable, "-m", "serving.local_server", f"--models={own_models}", f"--public_key={tmp_path / 'none'}"]
    ended = subprocess.run([*server, "--rest_api_port=0"], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "BadConfig: The key " in ended.stdout


def test_what_was_compared_is_what_is_loaded(own_models, monkeypatch):
    """The folder is overwritten between the comparison and the load."""
    folder = own_models / MODEL / "1"
    load = tf.saved_model.load

    def swapped_first(path):
        (folder / "saved_model.pb").write_bytes(b"worse")
        return load(path)

    monkeypatch.setattr(tf.saved_model, "load", swapped_first)
    servable = Servable(MODEL, 1, folder)
    assert servable.warmed_up > 0
    assert servable.signature("").name == "serving_default"
    with pytest.raises(CorruptModel, match=r"differs from its manifest: saved_model\.pb"):
        Servable(MODEL, 1, folder)


def config(models, versions, labels, others=""):
    policy = " ".join(f"versions: {number}" for number in versions)
    named = " ".join(f'version_labels {{ key: "{label}" value: {number} }}' for label, number in labels.items())
    model = f'name: "{MODEL}" base_path: "{models / MODEL}" model_platform: "tensorflow"'
    text = f"model_config_list {{ config {{ {model} model_version_policy {{ specific {{ {policy} }} }} {named} }} {others} }}"
    (models / "next").write_text(text)
    (models / "next").rename(models / "models.config")


def labelled(server, label):
    """The version that answers for a label."""
    response = httpx.get(f"http://{server.rest}/v1/models/{MODEL}/labels/{label}/metadata")
    return int(response.json()["model_spec"]["version"]) if response.status_code == 200 else None


def test_labels_move_when_their_version_is_loaded(own_models, published):
    """server_core.cc ReloadConfig: one label that cannot move keeps the whole configuration from being followed."""
    copy_version(published.folder, own_models, 2)
    config(own_models, [1], {"stable": 1})
    with serving(own_models) as server:
        assert (labelled(server, "stable"), labelled(server, "canary")) == (1, None)
        config(own_models, [1, 2], {"stable": 1, "canary": 2})
        until(lambda: labelled(server, "canary") == 2)
        assert labelled(server, "stable") == 1
        config(own_models, [1], {"stable": 7})  # is not there
        until(lambda: "Request to assign label to version 7" in server.log.read_text())
        assert (labelled(server, "stable"), labelled(server, "canary")) == (1, 2), "nothing of that file is followed"
        (own_models / "models.config").write_text("nonsense {")
        until(lambda: "is not a config of TensorFlow Serving" in server.log.read_text())
        assert labelled(server, "stable") == 1, "a broken file changes nothing"
        config(own_models, [2], {"stable": 2})
        until(lambda: labelled(server, "canary") is None and labelled(server, "stable") == 2)
        until(lambda: state(server, 1) == "END")


def test_labels_that_are_ahead_of_their_versions_keep_a_server_from_starting_without_the_flag(own_models):
    """server_core.cc UpdateModelVersionLabelMap: at the start no version is available."""
    config(own_models, [1], {"stable": 1})
    make_core(parse([f"--models={own_models}"]))
    with pytest.raises(BadConfig, match="Request to assign label to version 1 of model flight_delay, which is not currently"):
        make_core(parse([f"--models={own_models}", "--allow_version_labels_for_unavailable_models=false"]))


def test_a_model_that_is_taken_out_of_the_configuration_goes(own_models):
    """file_system_storage_path_source.cc UpdateConfig; basic_manager.cc GetUntypedServableHandle."""
    other = f'config {{ name: "other" base_path: "{own_models / MODEL}" model_platform: "tensorflow" }}'
    config(own_models, [1], {"stable": 1}, other)
    versions = make_core(parse([f"--model_config_file={own_models / 'models.config'}"])).versions
    versions.poll()
    with versions.lease(Wanted("other")) as servable:
        assert servable.version == 1
    config(own_models, [1], {"stable": 1})
    versions.reload()
    with (
        pytest.raises(Refused, match=r"Servable not found for request: Latest\(other\)") as refused,
        versions.lease(Wanted("other")),
    ):
        pass
    assert refused.value.code is StatusCode.NOT_FOUND
    [status] = versions.status(Wanted("other")).model_version_status
    assert status.state == get_model_status_pb2.ModelVersionStatus.END
    with versions.lease(Wanted(MODEL, label="stable")):
        pass
    config(own_models, [1], {"stable": 1}, other)
    versions.reload()
    assert versions.models["other"].available() == [1]


def test_deleted_versions_go_and_a_folder_that_cannot_be_read_takes_out_nothing(own_models):
    """file_system_storage_path_source.cc PollFileSystemForServable."""
    versions = make_core(parse([f"--model_base_path={own_models / MODEL}", f"--model_name={MODEL}"])).versions
    versions.poll()
    (own_models / MODEL).rename(own_models / "away")
    versions.poll()
    assert versions.models[MODEL].available() == [1]
    (own_models / MODEL).mkdir()
    versions.poll()
    assert versions.models[MODEL].available() == []


@pytest.mark.parametrize(("folders", "file", "looks"), [(0, 0, False), (0.1, 0, True), (0, 1, True)])
def test_a_wait_of_zero_looks_once(own_models, folders, file, looks):
    """main.cc: file_system_poll_wait_seconds and model_config_file_poll_wait_seconds."""
    config(own_models, [1], {})
    flags = f"--file_system_poll_wait_seconds={folders}", f"--model_config_file_poll_wait_seconds={file}"
    options = parse([f"--model_config_file={own_models / 'models.config'}", *flags])
    following = asyncio.wait_for(follow(make_core(options).versions, options), 0.5)
    if looks:
        with pytest.raises(TimeoutError):
            asyncio.run(following)
    else:
        asyncio.run(following)  # comes to its end


def test_a_time_out_of_zero_is_none(own_models):
    """http_rest_api_handler.cc HttpRestApiHandler: only a positive time-out is set."""
    for flag, seconds in (("0", None), ("-1", None), ("1500", 1.5)):
        options = parse([f"--models={own_models}", f"--rest_api_timeout_in_ms={flag}"])
        assert make_web(make_core(options), options).config.app._timeout == seconds


def test_it_listens_at_an_address_of_ipv6(own_models, rows):
    ports = free_ports()
    flags = [f"--models={own_models}", "--host=[::1]", f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    process = subprocess.Popen([sys.executable, "-m", "serving.local_server", *flags], stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: answers(f"http://[::1]:{ports[1]}/v1/models/{MODEL}/metadata"), 120)
        for url in (f"http://[::1]:{ports[1]}", f"grpc://[::1]:{ports[0]}"):
            with connect(Target(url, MODEL)) as client:
                assert len(client.predict(rows[:3])) == 3
    finally:
        process.kill()
        said = process.communicate()[0]
    assert f"REST http://[::1]:{ports[1]}/v1/models/{MODEL}" in said


def answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--port=70000", "'70000' is not a port; expected a number up to 65535"),
        ("--rest_api_port=8500", "--port and --rest_api_port are both 8500"),
        ("--port=0", "--port is 0, which would turn gRPC off"),
        ("--file_system_poll_wait_seconds=-1", "expected seconds, or 0 to look once"),
        ("--max_in_flight=0", "expected a whole number, 1 or more"),
        ("--model_base_pth=/m", "unrecognized arguments: --model_base_pth=/m"),
    ],
)
def test_a_command_line_that_cannot_be_served_says_why(capfd, flag, message):
    try:
        code = main([flag])
    except SystemExit as error:
        code = error.code
    said = capfd.readouterr()
    assert message in said.out + said.err
    assert code == 2


@pytest.mark.parametrize(("host", "asked"), [("::", "127.0.0.1"), ("::", "::1"), ("localhost", "localhost")])
def test_an_address_of_all_listens_at_all(host, asked):
    port = free_ports()[0]
    with listen(host, port), socket.create_connection((asked, port), timeout=5):
        pass


def test_an_address_that_is_not_of_this_machine_is_named():
    with pytest.raises(RootUnusable, match=r"203.0.113.7:8501 cannot be listened at: .* with --rest_api_port and --host"):
        listen("203.0.113.7", 8501)


def test_sigterm_answers_what_is_in_flight(own_models, rows):
    with serving(own_models) as server:
        answers, many = [], json.dumps({"signature_name": "raw", "instances": rows * 40})
        connected = threading.Barrier(5, timeout=30)

        def ask():
            with httpx.Client(base_url=f"http://{server.rest}/v1/models/", timeout=30) as web:
                web.get(MODEL)
                connected.wait()
                answers.append(web.post(f"{MODEL}:predict", content=many).status_code)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for each in asking:
            each.start()
        connected.wait()
        time.sleep(0.1)
        os.kill(server.process.pid, signal.SIGTERM)
        for each in asking:
            each.join()
        assert server.process.wait(30) == 0
        assert answers == [200] * 4


def test_sigterm_does_not_wait_for_a_body_that_does_not_come(own_models):
    with serving(own_models) as server:
        host, port = server.rest.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
            assert state(server, 1) == "AVAILABLE"  # of a later connection: the first one is in
            os.kill(server.process.pid, signal.SIGTERM)
            assert server.process.wait(20) == 0, "it gives 10 s"


def test_a_full_queue_is_said_so_and_passes(own_models, rows, tmp_path):
    parameters = tmp_path / "batching.config"
    parameters.write_text(
        "max_execution_batch_size { value: 8 } max_batch_size { value: 16 } enable_large_batch_splitting { value: true } "
        "max_enqueued_batches { value: 2 } num_batch_threads { value: 1 }"
    )
    with serving(own_models, f"--batching_parameters_file={parameters}") as server:
        url = f"http://{server.rest}/v1/models/{MODEL}:predict"
        many = json.dumps({"signature_name": "raw", "instances": rows[:16]})
        codes = []

        def ask():
            with httpx.Client() as web:
                codes.extend(web.post(url, content=many).status_code for _ in range(30))

        asking = [threading.Thread(target=ask) for _ in range(8)]
        for each in asking:
            each.start()
        for each in asking:
            each.join()
        assert set(codes) == {200, 503}
        assert httpx.post(url, content=many).status_code == 200
        over = httpx.post(url, content=json.dumps({"signature_name": "raw", "instances": rows[:17]}))
        assert over.status_code == 400
        assert "Task size 17 is larger than maximum input batch size 16" in over.json()["error"]
