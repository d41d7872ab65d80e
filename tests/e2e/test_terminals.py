"""Every command in a terminal: what it says is its own, and no library's. Those that run the nodes: `test_two_runs.py`."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPOSITORY, command

from components.canary.server import free_ports
from tests.terminals import in_terminal

TERMINALS = {  # columns, variables
    "80 columns": (80, {"TERM": "xterm-256color"}),
    "120 columns": (120, {"TERM": "xterm-256color"}),
    "dumb": (80, {"TERM": "dumb"}),
    "NO_COLOR": (120, {"TERM": "xterm-256color", "NO_COLOR": "1"}),
}
OF_A_LIBRARY = re.compile(r"^[IWEF]\d{4} |\b(INFO|WARNING|ERROR)\b|Traceback|site-packages|\.(py|cc):\d+", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A command, the code that it ends with, and what it says before it is interrupted if it does not end by itself."""

    module: str
    arguments: list[str]
    code: int = 0
    until: str = ""


# {root} is that of two runs, {new} a new folder, {spans} the months, {port} and {rest_port} ports that are free.
CASES = [
    Case("pipeline.local_runner", ["--help"]),
    Case("pipeline.retrain", ["--root", "{root}", "--set", "data.spans={spans}"]),
    Case("pipeline.rollback", ["--root", "{root}"]),
    Case("pipeline.reports", ["build", "--root", "{root}"]),
    Case("pipeline.reports", ["serve", "--root", "{root}", "--port", "0"], until="Ctrl-C ends it"),
    Case("pipeline.views", ["facets", "--root", "{root}"]),
    Case("pipeline.views", ["tfma", "--root", "{root}"]),
    Case("pipeline.schedule", []),
    Case("pipeline.keys", ["make", "{new}/keys"]),
    Case("pipeline.kubeflow_runner", ["compile", "--output", "{new}/pipeline.yaml"]),
    Case("pipeline.kubeflow_runner", ["upload", "--host", "http://127.0.0.1:9"], 1),
    Case(
        "serving.local_server",
        ["--models", "{root}/serving", "--port", "{port}", "--rest_api_port", "{rest_port}"],
        until="REST http://",
    ),
    Case("serving.predict", ["--json", "data/flights/request.json", "--server", "grpc://127.0.0.1:9"], 1),
    Case("serving.promote", ["--folder", "{root}/serving", "--no-server", "--stable", "1"]),
    Case("serving.promote", ["--folder", "{root}/serving", "--stable", "1", "--server", "http://127.0.0.1:9"], 1),
    Case(
        "serving.batch",
        [
            *("--input", "{spans}/2013-04/flights.parquet", "--output", "{new}/scores.parquet"),
            *("--model", "{root}/serving/flight_delay/1"),
        ],
    ),
    Case("tflite.predict", ["--model", "{root}/mobile/flight_delay/1/model.tflite", "--csv", "{new}/row.csv"]),
    Case("tflite.install", ["--mobile", "{root}/mobile/flight_delay", "--assets", "{new}/assets"]),
    Case("data.flights.build", ["--folder", "{new}/spans"]),
]


@pytest.fixture(scope="module")
def root(two_runs, tmp_path_factory) -> Path:
    """A copy: some of the commands write."""
    return shutil.copytree(two_runs.root, tmp_path_factory.mktemp("copy") / "runs")


@pytest.fixture
def places(root, few_spans, few_flights, tmp_path) -> dict[str, Path | int]:
    """What the arguments name."""
    few_flights.head(1).drop(columns=["date", "late"]).to_csv(tmp_path / "row.csv", index=False)
    port, rest_port = free_ports()
    return {"root": root, "new": tmp_path, "spans": few_spans, "port": port, "rest_port": rest_port}


@pytest.mark.parametrize(
    ("case", "terminal"), [(case, list(TERMINALS)[number % len(TERMINALS)]) for number, case in enumerate(CASES)], ids=str
)
def test_a_command_says_nothing_of_a_library(case, terminal, places):
    columns, variables = TERMINALS[terminal]
    given = [argument.format(**places) for argument in case.arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("TF_CPP_MIN_LOG_LEVEL", "NO_COLOR")}
    seen = in_terminal(
        [sys.executable, "-m", case.module, *given],
        columns=columns,
        seconds=300,
        until=case.until,
        cwd=REPOSITORY,
        env=environment | variables,
    )
    assert seen.code == case.code, seen.text
    assert seen.text.strip(), "it says something"
    assert not OF_A_LIBRARY.search(seen.text), seen.text
    assert terminal != "dumb" or "\x1b" not in seen.raw
    assert terminal != "NO_COLOR" or not re.search(r"\x1b\[[0-9;]*3[0-7]", seen.raw)
    assert terminal == "dumb" or seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h"), "the cursor is there again"


def test_a_run_that_is_interrupted_says_what_was_stopped_and_leaves_the_cursor(few_spans, tmp_path):
    seen = in_terminal(
        command(spans=few_spans, root=tmp_path / "runs"),
        seconds=300,
        until="Loading TensorFlow",
        cwd=REPOSITORY,
        env=os.environ | {"TERM": "xterm-256color"},
    )
    assert seen.code == 130
    assert seen.text.splitlines()[2:] == [
        "Interrupted. The next run resumes after the last finished node.",
        "Exit code 130: Ctrl-C, or a signal that ended a tick.",
    ]
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") == 1
