"""What was answered is logged, and the DriftMonitor reads it."""

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
from tests.serving.servers import MODEL, serving


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


def test_requests_of_both_kinds_become_the_same_examples(models, tmp_path, flights, rows, examples):
    with serving(models, f"--request_log={tmp_path}", "--request_log_share=1", "--request_log_seconds=0.5") as server:
        with connect(Target(f"http://{server.rest}", MODEL)) as client:
            client.predict(flights)
        refused = httpx.post(f"http://{server.rest}/v1/models/{MODEL}:predict", content=body(instances=[]))
        assert refused.status_code == 400
        end = time.monotonic() + 20
        while not list(tmp_path.glob("requests-*")):
            assert time.monotonic() < end
            time.sleep(0.1)
    found = logged(tmp_path)
    assert len(found) == len(flights), "what was refused is not logged"
    expected = [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]
    for got, wanted in zip(found, expected, strict=True):
        assert got.keys() == wanted.keys(), "missing values stay missing"
        assert got == {n: v.encode() if RAW[n] == "string" else pytest.approx(v, rel=1e-6) for n, v in wanted.items()}


def test_serialized_examples_are_logged_as_they_are(tmp_path, examples):
    assert request_log.examples({"examples": np.array(examples, object)}) == examples


def test_files_rotate_and_have_their_name_only_when_whole(tmp_path, flights):
    log = RequestLog(tmp_path, 1.0, max_rows=10, max_seconds=60)
    for number in range(35):
        log.offer({"x": np.array([number], np.float32)})
    end = time.monotonic() + 20
    while len(list(tmp_path.glob("requests-*"))) < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
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
