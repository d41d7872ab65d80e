"""Folder markers, against a stub of Cloud Storage; the client is Google's own."""

from pipeline.kubeflow import markers
from tests.serving.cloud_storage_stub import cloud_storage


def test_markers_of_the_artifact_go_from_a_stubbed_bucket_and_files_stay(monkeypatch):
    objects = {
        "run/task/1/model/": b"",
        "run/task/1/model/Format-Serving/": b"",
        "run/task/1/model/Format-Serving/saved_model.pb": b"graph",
        "run/task/1/model_run/": b"",
        "run/task/": b"",
    }
    with cloud_storage(objects) as (address, held):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        assert markers.remove(["gs://models/run/task/1/model"]) == 2
        assert sorted(held) == ["run/task/", "run/task/1/model/Format-Serving/saved_model.pb", "run/task/1/model_run/"]


def test_where_there_is_no_bucket_of_google_s_nobody_is_asked():
    assert markers.remove(["s3://models/a", "/gcs/models/a"]) == 0
