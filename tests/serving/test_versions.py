"""What the server does while the folder of versions changes."""

import logging
import shutil
import threading

import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

from components.model_store import contents, store
from components.model_store.manifest import MANIFEST
from components.model_store.signature import NO_KEYS, SIGNATURE, sign
from components.shared.errors import BadConfig, CorruptModel
from pipeline.keys import PUBLIC
from serving.client import Target, connect
from serving.local_server import main, parse
from serving.refused import Refused, StatusCode
from serving.server.run import make_core
from serving.server.servable import Servable
from serving.server.versions import Wanted
from tests.components.model_store.keys import make_keys
from tests.serving.servers import MODEL, copy_version, serving_here, state, until


def test_a_new_version_takes_over_and_no_request_is_lost(own_models, published, rows):
    with serving_here(own_models) as server, connect(Target(f"http://{server.rest}", MODEL, attempts=1)) as client:
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
    with serving_here(own_models) as server, connect(Target(f"http://{server.rest}", MODEL)) as client:
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
    assert f"says that it is version 4 of {MODEL}" in states[3]
    manifest = (models / MODEL / "2" / MANIFEST).read_bytes()
    (models / MODEL / "2" / SIGNATURE).write_bytes(sign(manifest, keys.private))  # of the same size
    versions.poll()
    assert versions.models[MODEL].available() == [2, 4]


def test_a_key_that_cannot_be_read_serves_nothing(own_models, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # it is for a process of its own
    assert main([f"--models={own_models}", f"--public_key={tmp_path / 'none'}", "--rest_api_port=0"]) == 2
    assert "BadConfig: The key " in capsys.readouterr().out


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
    with serving_here(own_models) as server:
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
    with pytest.raises(BadConfig, match=f"Request to assign label to version 1 of model {MODEL}, which is not currently"):
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
