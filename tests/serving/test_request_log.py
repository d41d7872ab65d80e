"""What was answered is logged, and the DriftMonitor reads it."""

import threading
import time

import httpx
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from components.drift_monitor.executor import request_files
from serving.client import Target, connect
from serving.server import request_log
from serving.server.request_log import RequestLog
from tests.serving.conftest import RAW, body
from tests.serving.servers import MODEL, serving_here, until


def logged(folder) -> list[dict]:
    """The rows of a log, by feature."""
    found = []
    for path in request_files(str(folder)):
        for record in tf.data.TFRecordDataset(path, "GZIP").as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            found.append(
                {name: getattr(f, f.WhichOneof("kind")).value[0] for name, f in features.items() if f.WhichOneof("kind")}
            )
    return found


@pytest.fixture
def disk(tmp_path):
    """A folder, and a function that puts it on a disk where nobody can write, not even root, or on a good one."""
    folder, good = tmp_path / "requests", tmp_path / "good"
    good.mkdir()

    def switch(*, works):
        folder.unlink(missing_ok=True)
        folder.symlink_to(good if works else "/proc")

    switch(works=True)
    return folder, switch


def test_requests_of_both_kinds_become_the_same_examples(models, tmp_path, frame, rows, examples):
    with serving_here(models, f"--request_log={tmp_path}", "--request_log_share=1", "--request_log_seconds=0.5") as server:
        with connect(Target(f"http://{server.rest}", MODEL)) as client:
            client.predict(frame)
        refused = httpx.post(f"http://{server.rest}/v1/models/{MODEL}:predict", content=body(instances=[]))
        assert refused.status_code == 400
        until(lambda: list(tmp_path.glob("requests-*")))
    found = logged(tmp_path)
    assert len(found) == len(frame), "what was refused is not logged"
    expected = [{name: value for name, value in row.items() if not pd.isna(value) and value != ""} for row in rows]
    for got, wanted in zip(found, expected, strict=True):
        assert got.keys() == wanted.keys(), "missing values stay missing"
        assert got == {n: v.encode() if RAW[n] == "string" else pytest.approx(v, rel=1e-6) for n, v in wanted.items()}


def test_serialized_examples_are_logged_as_they_are(tmp_path, examples):
    assert request_log.examples({"examples": np.array(examples, object)}) == examples


def test_files_rotate_and_have_their_name_only_when_whole(tmp_path):
    log = RequestLog(tmp_path, 1.0, max_rows=10, max_seconds=60)
    for number in range(35):
        log.offer({"x": np.array([number], np.float32)})
    until(lambda: len(list(tmp_path.glob("requests-*"))) >= 3)
    assert len(request_files(str(tmp_path))) == 3, "the fourth is still written, under another name"
    log.close()
    assert len(logged(tmp_path)) == 35
    assert len(request_files(str(tmp_path))) == 4
    assert list(tmp_path.glob(".tmp-*")) == []


def test_a_share_of_the_requests_is_logged(tmp_path):
    log = RequestLog(tmp_path, 0.2)
    for _ in range(500):
        log.offer({"x": np.array([1.0], np.float32)})
        time.sleep(0.0002)
    log.close()
    assert 50 < len(logged(tmp_path)) < 160


def x(*values):
    return {"x": np.array(values, np.float32)}


def test_a_disk_that_cannot_be_written_costs_its_requests_and_no_others(disk, caplog):
    folder, switch = disk
    log = RequestLog(folder, 1.0, max_rows=1)
    switch(works=False)
    log.offer(x(1))
    until(lambda: f"could not be logged to {folder}, and are lost" in caplog.text)
    switch(works=True)
    log.offer(x(2))
    until(lambda: list(folder.glob("requests-*")))
    log.close()
    assert logged(folder) == [{"x": 2.0}]
    assert list(folder.glob(".tmp-*")) == []


def test_a_folder_that_was_deleted_is_made_again(disk):
    folder, _ = disk
    log = RequestLog(folder / "deep", 1.0, max_rows=1)
    (folder / "deep").rmdir()
    log.offer(x(1))
    log.close()
    assert logged(folder / "deep") == [{"x": 1.0}]


def test_a_request_that_is_no_tf_example_costs_no_other_one(tmp_path, caplog):
    log = RequestLog(tmp_path, 1.0)
    for columns in (x(1), x([1, 2]), x([3, 4]), x(2)):
        log.offer(columns)
    log.close()
    assert logged(tmp_path) == [{"x": 1.0}, {"x": 2.0}]
    assert caplog.text.count("could not be logged") == 1, "an error is said once a minute"


def test_the_end_does_not_wait_for_a_disk_that_cannot_be_written(disk, caplog):
    folder, switch = disk
    log = RequestLog(folder, 1.0)
    switch(works=False)
    log.offer(x(1))
    until(lambda: "could not be logged" in caplog.text)
    for _ in range(2 * request_log.WAITING):
        log.offer(x(1))
    closing = threading.Thread(target=log.close, daemon=True)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()


def test_the_end_does_not_wait_for_a_disk_that_hangs_here_a_stand_in(tmp_path, monkeypatch, caplog):
    class Hanging(dict):
        """Columns whose writing takes until `release`."""

        def values(self):
            writing.set()
            release.wait(60)
            return super().values()

    writing, release = threading.Event(), threading.Event()
    monkeypatch.setattr(request_log, "CLOSE_SECONDS", 0.1)
    log = RequestLog(tmp_path, 1.0)
    log.offer(Hanging(x(1)))
    assert writing.wait(20)
    log.offer(x(2))
    closing = threading.Thread(target=log.close, daemon=True)
    closing.start()
    closing.join(20)
    ended = not closing.is_alive()
    release.set()
    assert ended
    assert f"{tmp_path} took over 0.1 s" in caplog.text
