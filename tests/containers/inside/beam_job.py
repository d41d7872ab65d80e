"""Inside the worker image: Beam's launcher starts the workers of a job that needs TensorFlow Data Validation."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import tfx  # noqa: F401  # before TensorFlow Data Validation

import apache_beam as beam  # isort: skip
import pyarrow as pa
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.beam.settings import IMPORT_TFX

PORT = 50000  # the launcher's own
SECONDS = 120  # without a worker a job waits for ever
LAUNCHER = "/opt/apache/beam/boot"
ROWS = [[[1.0], [2.0], None], [[5.0], None]]


def listening() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def checked(statistics) -> None:
    """In the worker: it is another process, which the launcher started, and the figures are those of all rows."""
    import components.shared.errors  # noqa: F401, PLC0415  # it finds our code, too

    parent = Path(f"/proc/{os.getppid()}/cmdline").read_text()
    assert parent.startswith(LAUNCHER), parent
    [dataset] = statistics.datasets
    assert dataset.num_examples == 5 and abs(dataset.features[0].num_stats.mean - 8 / 3) < 1e-9, statistics


def give_up(*_) -> None:
    """Ends everything: the job's threads would keep the process."""
    os.killpg(pool.pid, signal.SIGTERM)
    print(f"not done after {SECONDS} s", file=sys.stderr, flush=True)
    os._exit(1)


assert not listening(), f"another process listens at {PORT}"
pool = subprocess.Popen([LAUNCHER, "--worker_pool"], start_new_session=True)
signal.signal(signal.SIGALRM, give_up)
signal.alarm(SECONDS)
try:
    while not listening():
        time.sleep(0.2)
    begun = time.monotonic()
    environment = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{PORT}", "--sdk_container_image=none"]
    options = PipelineOptions(["--runner=PortableRunner", "--job_endpoint=embed", *environment, IMPORT_TFX])
    with beam.Pipeline(options=options) as pipeline:
        batches = pipeline | beam.Create([pa.record_batch({"a": rows}) for rows in ROWS])
        batches | tfdv.GenerateStatistics() | beam.Map(checked)
    print(f"{time.monotonic() - begun:.0f} s")
finally:
    os.killpg(pool.pid, signal.SIGTERM)
    pool.wait()
