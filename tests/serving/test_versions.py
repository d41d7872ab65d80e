"""What the server does while the folder of versions changes."""

import json
import os
import shutil
import signal
import threading
import time

import httpx
import pytest

from components.publisher import store
from serving.client import Target, connect
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
    "other than its manifest": lambda folder: (folder / store.STATISTICS).write_bytes(b"other"),
    "with a manifest that is none": lambda folder: (folder / store.MANIFEST).write_text("{}"),
}


def test_a_broken_version_changes_nothing_and_is_served_when_it_is_mended(own_models, published, rows):
    with serving(own_models) as server, connect(Target(f"http://{server.rest}", MODEL)) as client:
        for number, (name, harm) in enumerate(BREAK.items(), 2):
            folder = copy_version(published.folder, own_models / "elsewhere", number)
            harm(folder)
            if "manifest" not in name:
                (folder / store.MANIFEST).unlink()
            folder.rename(own_models / MODEL / str(number))
            until(lambda number=number: state(server, number) == "END")
            assert len(client.predict(rows[:2])) == 2, name
            status = httpx.get(f"http://{server.rest}/v1/models/{MODEL}/versions/{number}").json()["model_version_status"][0]
            assert status["status"]["error_code"] == "UNKNOWN", name
            assert status["status"]["error_message"], name
        assert client.states()[1] == "AVAILABLE"
        mended = own_models / MODEL / str(number)
        shutil.copyfile(published.folder / store.MANIFEST, mended / store.MANIFEST)
        until(lambda: state(server, number) == "AVAILABLE")


def config(models, versions, labels):
    policy = " ".join(f"versions: {number}" for number in versions)
    named = " ".join(f'version_labels {{ key: "{label}" value: {number} }}' for label, number in labels.items())
    text = f'model_config_list {{ config {{ name: "{MODEL}" model_version_policy {{ specific {{ {policy} }} }} {named} }} }}'
    (models / "next").write_text(text)
    (models / "next").rename(models / "models.config")


def labelled(server, label):
    response = httpx.get(f"http://{server.rest}/v1/models/{MODEL}/labels/{label}")
    return int(response.json()["model_version_status"][0]["version"]) if response.status_code == 200 else None


def test_labels_move_when_their_version_is_loaded(own_models, published):
    copy_version(published.folder, own_models, 2)
    config(own_models, [1], {"stable": 1})
    with serving(own_models) as server:
        assert (labelled(server, "stable"), labelled(server, "canary")) == (1, None)
        config(own_models, [1, 2], {"stable": 1, "canary": 2})
        until(lambda: labelled(server, "canary") == 2)
        assert labelled(server, "stable") == 1
        config(own_models, [1, 2], {"stable": 7})  # is not there
        until(lambda: labelled(server, "canary") is None)
        assert labelled(server, "stable") == 1, "a label stays where it is while its new version is not loaded"
        (own_models / "models.config").write_text("nonsense {")
        time.sleep(0.5)
        assert labelled(server, "stable") == 1, "a broken file changes nothing"


def test_sigterm_answers_what_is_in_flight(own_models, rows):
    with serving(own_models) as server:
        answers, many = [], json.dumps({"signature_name": "raw", "instances": rows * 40})

        def ask():
            answers.append(httpx.post(f"http://{server.rest}/v1/models/{MODEL}:predict", content=many, timeout=30).status_code)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for each in asking:
            each.start()
        time.sleep(0.1)
        os.kill(server.process.pid, signal.SIGTERM)
        for each in asking:
            each.join()
        assert server.process.wait(30) == 0
        assert answers == [200] * 4


def test_a_full_queue_is_said_so_and_passes(own_models, rows, tmp_path):
    parameters = tmp_path / "batching.config"
    parameters.write_text("max_batch_size { value: 8 } max_enqueued_batches { value: 2 } num_batch_threads { value: 1 }")
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
        assert set(codes) == {200, 429}
        assert httpx.post(url, content=many).status_code == 200
        over = httpx.post(url, content=json.dumps({"signature_name": "raw", "instances": rows[:17]}))
        assert over.status_code == 400
        assert "17 rows; this server takes at most 16" in over.json()["error"]
