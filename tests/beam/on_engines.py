"""The pipeline's Beam nodes on real engines, beside the local runner. Slow, and not among the tests of `make test`:
`make test-prism`, `make test-flink`, `make test-spark`. An engine that is not there fails the test and says what is missing.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from components.shared.errors import BadData
from pipeline import config
from pipeline.beam import settings as beam
from tests.beam import engines, nodes, outputs
from tests.conftest import REPOSITORY
from tests.flights import COLUMNS

pytestmark = pytest.mark.timeout(3600)

ENGINES = ("prism", "flink", "spark")
ROWS_OF_THE_WINDOW = 77_911


@pytest.fixture(scope="module", params=ENGINES)
def settings(request, tmp_path_factory):
    """Overrides of the configuration that run the Beam nodes on the engine."""
    missing = ""
    with ExitStack() as stack:
        try:
            log = tmp_path_factory.mktemp("engine") / f"{request.param}.log"
            found = stack.enter_context(engines.engine(request.param, log))
        except engines.EngineMissing as error:
            missing = str(error)
        if missing:
            pytest.fail(missing, pytrace=False)
        yield found


def run_three(folder: Path, settings: list[str]) -> Path:
    """The first three Beam nodes on the real window, each in a process of its own."""
    folder.mkdir()
    overrides = [part for setting in settings for part in ("--set", setting)]
    for node in nodes.THREE_NODES:
        command = [sys.executable, "-m", "tests.beam.nodes", node, str(folder), *overrides]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, f"{node}: {done.stderr[-4000:]}"
    return folder


@pytest.fixture(scope="module")
def locally(tmp_path_factory):
    return run_three(tmp_path_factory.mktemp("local") / "outputs", [])


def test_the_real_window_gives_the_same_rows_statistics_vocabularies_and_values(request, settings, locally, tmp_path):
    """The nodes' code runs in processes that a worker pool starts, as beside a cluster; on Spark in the submitting process."""
    with ExitStack() as stack:
        if request.node.callspec.params["settings"] in engines.POOLED:
            settings = [*settings, stack.enter_context(engines.worker_pool(tmp_path / "pool.log"))]
        found = run_three(tmp_path / "outputs", settings)
    assert outputs.assert_same(locally, found) == ROWS_OF_THE_WINDOW


@pytest.fixture
def both(settings, two_runs, tmp_path):
    """Runs a node of the second run again, locally and on the engine, in the submitting process; gives the outputs of both."""

    def again(name: str) -> list[nodes.Artifacts]:
        found = []
        for kind, overrides in (("local", []), ("engine", settings)):
            loaded = config.load(overrides=[f"run.root={two_runs.root}", "batch.bulk_inferrer=true", *overrides])
            node = nodes.of(nodes.create_pipeline(loaded, "2013-04"), name)
            inputs = nodes.inputs_of_run(node, two_runs.root)
            found.append(nodes.run(node, inputs, tmp_path / kind, beam.arguments(loaded.beam)))
        return found

    return again


@pytest.mark.parametrize("node", ["Evaluator", "MobileEvaluator"])
def test_the_metrics_are_the_same(both, node):
    from components.shared import tfma_results  # noqa: PLC0415 (here and below: TFMA only behind tfx)

    expected, found = (tfma_results.metrics(outputs["evaluation"].uri) for outputs in both(node))
    assert expected.keys() == found.keys() == {"candidate", "baseline"}
    for model, slices in expected.items():
        assert found[model].keys() == slices.keys()
        for name, metrics in slices.items():
            assert found[model][name] == pytest.approx(metrics, rel=1e-6), name


def test_the_drift_monitor_finds_the_same(both):
    from components.shared import drift_report  # noqa: PLC0415

    expected, found = (drift_report.read(outputs["report"].uri) for outputs in both("DriftMonitor"))
    assert found.rows == expected.rows > 0
    assert found.verdict == expected.verdict != "no_reference"
    assert [check.value for check in found.checks] == pytest.approx([check.value for check in expected.checks], abs=1e-9)


def test_the_bulk_inferrer_scores_the_same(both):
    from tensorflow_serving.apis import prediction_log_pb2  # noqa: PLC0415

    scores = []
    for made in both("BulkInferrer"):
        files = [str(path) for path in Path(made["inference_result"].uri).iterdir() if "prediction_logs" in path.name]
        logs = map(prediction_log_pb2.PredictionLog.FromString, tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
        answers = [(log.predict_log.request, log.predict_log.response.outputs["probability"].float_val[0]) for log in logs]
        scores.append({request.inputs["examples"].string_val[0]: score for request, score in answers})
    assert len(scores[0]) > 0
    assert scores[1] == pytest.approx(scores[0], abs=1e-6)  # batches of other sizes round otherwise


def test_batch_scoring_gives_the_same_scores_in_the_same_order(settings, two_runs, few_spans, tmp_path):
    """Through its command line, which takes Beam's options as they are."""
    [version] = [two_runs.root / "serving" / "flight_delay" / "1"]
    scores = []
    for kind, overrides in (("local", []), ("engine", settings)):
        arguments = beam.arguments(config.load(overrides=overrides).beam)
        output = tmp_path / f"{kind}.parquet"
        command = [sys.executable, "-m", "serving.batch", "--input", str(few_spans / "2013-04" / "flights.parquet"), *arguments]
        done = subprocess.run(
            [*command, "--output", str(output), "--model", str(version)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        scores.append(pq.read_table(output).to_pandas())
    pd.testing.assert_frame_equal(scores[1], scores[0], rtol=0, atol=1e-6)
    assert np.ptp(scores[0].probability) > 0.1


def test_a_file_that_cannot_be_read_is_named(settings, tmp_path):
    """The error is raised where the file is read, and the pipeline must not end in a traceback of the engine."""
    (tmp_path / "spans" / "2013-02").mkdir(parents=True)
    (tmp_path / "spans" / "2013-02" / "broken.csv").write_text(",".join([*COLUMNS, "date"]) + "\nUA,EWR\n")
    loaded = config.load(overrides=[f"data.spans={tmp_path / 'spans'}", "data.window=1", *settings])
    node = nodes.of(nodes.create_pipeline(loaded, "2013-02"), "SpanExampleGen")
    with pytest.raises(BadData, match=r"broken\.csv cannot be read: CSV parse error: Expected \d+ columns, got 2"):
        nodes.run(node, {}, tmp_path / "outputs", beam.arguments(loaded.beam))
