"""Real engines for Beam pipelines, each a process of its own on 127.0.0.1, ended whatever happens.

Prism is Beam's own portable runner, in Go; Flink and Spark run in Beam's job servers, in Java, with a cluster in them.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apache_beam.runners.portability.prism_runner import PrismJobServer
from apache_beam.version import __version__ as beam_version

from tests.conftest import REPOSITORY

START_SECONDS = 120.0
PRISM = Path(PrismJobServer.BIN_CACHE) / f"v{beam_version}" / "prism"
WORKERS = 2
POOLED = ("prism", "flink")  # Spark asks for a worker a bundle, and each imports TFX for five seconds
HERE = Path(__file__).parent
CLASS_PATH = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
HEAP = "-Xmx8g"
JOB_SERVERS = {
    "flink": [
        "org.apache.beam.runners.flink.FlinkJobServerDriver",
        "--flink-master=[local]",
        f"--flink-conf-dir={HERE / 'flink'}",
    ],
    "spark": ["org.apache.beam.runners.spark.SparkJobServerDriver", f"--spark-master-url=local[{WORKERS}]"],
}
# What Flink and Spark reach into, since Java 16 only with leave; as Spark's own launcher opens it (JavaModuleOptions).
OPENED = ("java.lang", "java.lang.invoke", "java.net", "java.nio", "java.time", "java.util", "java.util.concurrent")
OPENED += ("java.util.concurrent.atomic", "sun.nio.ch", "sun.security.action", "sun.util.calendar")


class EngineMissing(RuntimeError):
    """What an engine is made of is not there, and cannot be fetched."""


@contextmanager
def engine(name: str, log: Path) -> Iterator[list[str]]:
    """The settings that run Beam nodes on an engine, until the end of the `with`.

    Args:
        name: "prism", "flink" or "spark"; "local" is the pipeline's default.
        log: for what the engine says, if it is a process of ours.

    Raises:
        EngineMissing: naming what is missing.
    """
    require(name)
    if name == "local":
        yield []
        return
    port = free_port()
    command = [str(PRISM), f"--job_port={port}", "--serve_http=false"] if name == "prism" else job_server(name, port)
    with process(command, port, log):
        yield ["beam.runner=portable", f"beam.endpoint=localhost:{port}", f"beam.workers={WORKERS}"]


@contextmanager
def worker_pool(log: Path) -> Iterator[str]:
    """The setting with which the code of the nodes runs in processes that a worker pool of ours starts."""
    port = free_port()
    with process([sys.executable, "-m", "pipeline.beam_worker_pool", f"--port={port}"], port, log):
        yield f"beam.worker_pool=localhost:{port}"


@contextmanager
def process(command: list[str], port: int, log: Path) -> Iterator[None]:
    """Runs a server until the end of the `with`, from when its port answers on."""
    with log.open("ab") as file, subprocess.Popen(command, cwd=REPOSITORY, stdout=file, stderr=file) as running:
        try:
            wait_for(port, running, log)
            yield
        finally:
            running.terminate()
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()


def wait_for(port: int, running: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while running.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise EngineMissing(f"{running.args} does not answer at port {port}; it said:\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def require(name: str) -> None:
    """Sees that an engine can be started; fetches what it is made of at the first time. Raises EngineMissing."""
    if name == "prism" and not PRISM.exists():
        build_prism()
    elif name in JOB_SERVERS:
        class_path(name)


def build_prism() -> None:
    """Prism of Beam's own version, from its Go module, which takes a minute."""
    if not (go := shutil.which("go")):
        raise EngineMissing(f"Prism is not at {PRISM}, and `go` is not on the PATH to build it with.")
    PRISM.parent.mkdir(parents=True, exist_ok=True)
    module = f"github.com/apache/beam/sdks/v2/go/cmd/prism@v{beam_version}"
    environment = os.environ | {"GOBIN": str(PRISM.parent)}
    built = subprocess.run([go, "install", module], env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        raise EngineMissing(f"Prism is not at {PRISM}, and `go install {module}` says:\n{built.stderr[-2000:]}")


def job_server(name: str, port: int) -> list[str]:
    """The command of Beam's job server for Flink or Spark, with a cluster in it."""
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    common = ["--job-host=localhost", f"--job-port={port}", "--artifact-port=0", "--expansion-port=0"]
    return ["java", HEAP, *opened, "-cp", class_path(name), *JOB_SERVERS[name], *common]


def class_path(name: str) -> str:
    """What the job server is made of, by Maven, which fetches it at the first time."""
    if missing := [program for program in ("java", "mvn") if not shutil.which(program)]:
        raise EngineMissing(f"{', '.join(missing)} is not on the PATH; {name} needs Java 17, and Maven to fetch it.")
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "class_path"
        command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "-P", name, CLASS_PATH, f"-Dmdep.outputFile={listing}"]
        fetched = subprocess.run(command, capture_output=True, text=True, check=False)
        if fetched.returncode:
            raise EngineMissing(f"Maven cannot fetch what {HERE / 'pom.xml'} lists for {name}:\n{fetched.stdout[-2000:]}")
        return listing.read_text()
