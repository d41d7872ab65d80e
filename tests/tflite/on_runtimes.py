"""The published files on the TensorFlow Lite that phones have: older and newer, with XNNPACK and without.

Slow, and not among the tests of `make test`: `make test-runtimes`, after a `make run`. It makes an environment a runtime below
runs/runtimes, from PyPI, with uv.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from components.model_store import store
from components.shared import answers as model_answers
from components.shared.phone import awkward_rows, card
from components.shared.values import MISSING
from pipeline import config
from tests.conftest import REPOSITORY

ROOT = REPOSITORY / "runs"
SERVING, MOBILE = (ROOT / "flights" / folder / "flight_delay" for folder in ("serving", "mobile"))
RUNTIMES = {  # requirement -> module of its interpreter
    "tflite-runtime==2.14.0": "tflite_runtime.interpreter",
    "ai-edge-litert==1.0.1": "ai_edge_litert.interpreter",
    "ai-edge-litert==1.4.0": "ai_edge_litert.interpreter",
    "ai-edge-litert==2.0.3": "ai_edge_litert.interpreter",
    "ai-edge-litert==2.1.6": "ai_edge_litert.interpreter",
    "tensorflow-cpu==2.12.1": "tensorflow.lite.python.interpreter",
    "tensorflow-cpu==2.19.1": "tensorflow.lite.python.interpreter",
}
NUMPY = "numpy<2"  # the older ones were built with it
LATE_SHARES = ("origin_late_share_1d", "carrier_late_share_7d")
REAL_ROWS = 500


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request) -> tuple[Path, str]:
    """(The Python of an environment that has the runtime, the module of its interpreter)."""
    folder = ROOT / "runtimes" / request.param.replace("==", "-")
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.is_file():
        uv = os.environ.get("UV", "uv")
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), request.param, NUMPY],
        ):
            done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)
            assert done.returncode == 0, done.stderr
        ready.touch()
    return python, RUNTIMES[request.param]


@pytest.fixture(scope="module", params=store.versions(MOBILE) or ["none"])
def version(request) -> int:
    if request.param == "none":
        pytest.fail(f"{MOBILE} holds no version; expected one that `make run` published.", pytrace=False)
    return request.param


@pytest.fixture(scope="module")
def stated(version) -> card.ModelCard:
    return card.read(MOBILE / str(version) / "model.tflite")


@pytest.fixture(scope="module")
def rows(stated) -> awkward_rows.AwkwardRows:
    """`data/flights/request.json` without late shares first, then real rows of the model's newest month, then awkward ones."""
    flights = pd.read_parquet(REPOSITORY / "data" / "flights" / "spans" / stated.span).sample(REAL_ROWS, random_state=1)
    [request] = json.loads((REPOSITORY / "data" / "flights" / "request.json").read_text())["instances"]
    real = {}
    for feature in stated.features:
        asked = MISSING[feature.dtype] if feature.name in LATE_SHARES else request[feature.name]
        if feature.dtype == "string":
            values = [asked, *flights[feature.name].fillna("")]
            real[feature.name] = np.array([value.encode() for value in values], object)
        else:
            real[feature.name] = np.array([asked, *flights[feature.name]], feature.dtype)
    awkward = awkward_rows.make(stated.features, real)
    names = ["the request without late shares", *(f"real row {index}" for index in range(REAL_ROWS)), *awkward.names]
    return awkward_rows.AwkwardRows({name: np.concatenate([real[name], awkward.columns[name]]) for name in real}, names)


@pytest.fixture(scope="module")
def served(version, rows) -> np.ndarray:
    """The server's answers."""
    raw = tf.saved_model.load(str(SERVING / str(version))).signatures["raw"]
    return model_answers.only(raw(**{name: tf.constant(column) for name, column in rows.columns.items()})).numpy()


@pytest.fixture(scope="module")
def answers(runtime, version, rows, tmp_path_factory) -> dict[str, np.ndarray]:
    """The runtime's answers, by its default kernels and by its plain ones."""
    python, module = runtime
    texts = {
        name: [value.decode() for value in column] if column.dtype == object else column.tolist()
        for name, column in rows.columns.items()
    }
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    path.write_text(json.dumps(texts), encoding="utf-8")
    command = [
        str(python),
        str(Path(__file__).with_name("foreign_runtime.py")),
        module,
        str(MOBILE / str(version) / "model.tflite"),
    ]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return {kernels: np.array(scores) for kernels, scores in json.loads(done.stdout).items()}


def test_every_row_gets_the_servers_answer(request, answers, served, rows, stated):
    limit = config.load().mobile.max_difference[stated.variant]
    differences = {kernels: model_answers.differences(scores, served) for kernels, scores in answers.items()}
    found = ", ".join(f"{difference.max():.0e} with {kernels} kernels" for kernels, difference in differences.items())
    name = request.node.callspec.params["runtime"]
    print(f"\n{name}, version {stated.version}: largest difference to the server on {len(served):,} rows {found}", end=" ")
    for kernels, difference in differences.items():  # NaN is the largest, and within no limit
        assert difference.max() <= limit, (kernels, rows.names[int(np.argmax(difference))])


def test_a_request_without_late_shares_gets_the_servers_answer(answers, served):
    """What a client sends that does not know them: older kernels once made 0.54 of what the server calls 0.14."""
    found = " and ".join(f"{scores[0]:.4f}" for scores in answers.values())
    print(f"\n  the request without its shares: {found}, the server {served[0]:.4f}", end=" ")
    for scores in answers.values():
        assert scores[0] == pytest.approx(served[0], abs=1e-4)
