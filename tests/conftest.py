"""Shared fixtures: the neutral problem, real flights, and one pipeline run on few of them that many tests look at."""

import os

# Before any test imports TensorFlow or tensorflow_transform: the network is Keras 3.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "0")
# Some tests fork this process, where other tests have had gRPC at work: its handlers end such a child now and then.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import gc
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pytest
from pydantic import TypeAdapter

from components.shared import files, network
from tests import leaving_out, neutral, preloaded
from tests.planted import ENVIRONMENT, NOTIFY
from tests.proxies import proxy
from tests.terminals import Seen, in_terminal

pytest_plugins = ["tests.preloaded", "tests.watchdog"]
collect_ignore = leaving_out.ignored()

# A shell that starts the tests in the background has Ctrl-C ignored, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

for variable in ("COLUMNS", "LINES"):  # readline gives them to workers of pytest; terminals have a width of their own
    os.environ.pop(variable, None)
network.spare_this_machine()  # tests call servers of theirs, with any library
if "PYTEST_VERSION" in os.environ:  # pytest has read its arguments, and TFX would have absl do so, whose -v wants a number
    del sys.argv[1:]

REPOSITORY = Path(__file__).parent.parent
Made = TypeVar("Made")
FEW_ROWS = 3000  # a month
FAST = ["train.epochs=1", "gate.min_rows=100", "canary.rows=20"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of parts that were left out."""
    gone = [item for item in items if leaving_out.lacks(item)]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in gone]


@pytest.fixture
def nothing_to_free() -> None:
    """For tests that fork this process: a fork that frees what earlier tests left of gRPC waits for threads that it lacks."""
    gc.collect()


def once(tmp_path_factory: pytest.TempPathFactory, name: str, kind: type[Made], make: Callable[[Path], Made]) -> Made:
    """What `make` makes in a folder of this name: one of pytest's workers makes it, the others wait and take it too."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers
    made = folder / f"{name}.json"
    with files.locked(folder / f"{name}.lock"):
        if not made.exists():
            (folder / name).mkdir()
            made.write_bytes(TypeAdapter(kind).dump_json(make(folder / name)))
    return TypeAdapter(kind).validate_json(made.read_bytes())


@pytest.fixture(scope="session")
def parcels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the neutral problem, with its spans; not to be written to."""
    return once(tmp_path_factory, "problem", Path, lambda folder: neutral.write(folder / "parcels"))


@dataclass(frozen=True)
class ParcelRuns:
    """Two runs of the neutral problem, from the command line: both publish. Not to be written to.

    Attributes:
        problem: its folder; `root` is runs/<problem> beside it, as by default.
        root: what they wrote.
        said: their output, not in a terminal.
    """

    problem: Path
    root: Path
    said: tuple[str, str]

    @property
    def serving(self) -> Path:
        """Where its models for servers are."""
        return self.root / "serving" / neutral.PROBLEM.model

    @property
    def mobile(self) -> Path:
        """Where its models for phones are."""
        return self.root / "mobile" / neutral.PROBLEM.model


@pytest.fixture(scope="session")
def parcel_runs(parcels: Path, tmp_path_factory: pytest.TempPathFactory) -> ParcelRuns:
    def made(_: Path) -> ParcelRuns:
        root = parcels.parent / "runs" / parcels.name
        first, second = (run_problem(parcels, root, span) for span in neutral.MONTHS[1:])
        return ParcelRuns(parcels, root, (first, second))

    return once(tmp_path_factory, "parcel_runs", ParcelRuns, made)


def run_problem(folder: Path, root: Path, span: str) -> str:
    """What a run of the problem in `folder` says, which must end well."""
    parts = [preloaded.PYTHON, "-m", "pipeline.local_runner", "--problem", str(folder), "--root", str(root), "--span", span]
    ended = subprocess.run(parts, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def year() -> pd.DataFrame:
    """Every scheduled flight of 2013, as the spans are made of."""
    build = pytest.importorskip("data.flights.build", reason="data/flights, the example, is not here")
    return build.flights_of_the_year()


@pytest.fixture(scope="session")
def few_flights(year: pd.DataFrame) -> pd.DataFrame:
    """3,000 labelled flights a month, January to April, every day among them."""
    labelled = year[year.late.notna() & (year.date < "2013-05-01")]
    return labelled.groupby(labelled.date.dt.month).sample(FEW_ROWS, random_state=1).sort_index()


@pytest.fixture(scope="session")
def few_spans(few_flights: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`few_flights` as a folder of spans."""
    from data.flights import build  # noqa: PLC0415

    def made(folder: Path) -> Path:
        build.write_spans(few_flights, folder)
        return folder

    return once(tmp_path_factory, "spans", Path, made)


def command(*arguments: str | Path, root: Path, problem: Path | None = None, spans: Path | None = None) -> list[str]:
    """A command line of the local runner on a made `problem`, or on `spans` of flights with settings that make it quick."""
    settings = [] if spans is None else [f"data.spans={spans}", *FAST]
    return [
        *(sys.executable, "-m", "pipeline.local_runner", "--root", str(root)),
        *([] if problem is None else ["--problem", str(problem)]),
        *(part for setting in settings for part in ("--set", setting)),
        *(str(argument) for argument in arguments),
    ]


def run(
    *arguments: str | Path, root: Path, problem: Path | None = None, spans: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the local runner, and waits for it."""
    return subprocess.run(
        preloaded.command(command(*arguments, root=root, problem=problem, spans=spans)),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=os.environ | environment,
    )


def states(output: str) -> dict[str, str]:
    """Node to state ("done", "cached", "skipped" or "failed") as the terminal showed it."""
    return {node: state for state, node in re.findall(r"^  (done|cached|skipped|failed) +(\w+)", output, re.MULTILINE)}


@dataclass(frozen=True)
class TwoRuns:
    """The first run (March, nothing in production) and the second (April, March's model in production), each in a terminal.

    Attributes:
        root: what they wrote.
        temporary: where they put temporary files.
        terminals: what they wrote there: of 80 columns, and of 120 with NO_COLOR.
        proxied: what the second one asked the proxy that its environment names for everything, and that never answers.
    """

    root: Path
    temporary: Path
    terminals: tuple[Seen, Seen]
    proxied: list[str]

    @property
    def first(self) -> str:
        return self.terminals[0].text

    @property
    def second(self) -> str:
        return self.terminals[1].text


@pytest.fixture(scope="session")
def two_runs(few_spans: Path, tmp_path_factory: pytest.TempPathFactory) -> TwoRuns:
    return once(tmp_path_factory, "two_runs", TwoRuns, lambda folder: run_twice(few_spans, folder))


def run_twice(spans: Path, folder: Path) -> TwoRuns:
    """Run March and April in terminals; both must publish."""
    root, temporary = folder / "runs", folder / "temporary"
    temporary.mkdir()
    seen = []
    # So few rows make a poor model: the floor is lowered, the comparison with production is not waited for.
    settings = ["--set", "evaluate.min_auc=0.4", "--set", "evaluate.max_auc_drop=1.0"]
    settings += ["--set", f"schedule.notify={NOTIFY}"]
    environment = os.environ | ENVIRONMENT | {"TMPDIR": str(temporary), "TERM": "xterm-256color"}
    with proxy(hangs=True) as black_hole:
        second = {"NO_COLOR": "1", **black_hole.environment()}
        for columns, further, variables in ((80, [], {}), (120, ["--set", "batch.bulk_inferrer=true"], second)):
            arguments = command(*settings, *further, spans=spans, root=root)
            seen.append(in_terminal(arguments, columns=columns, cwd=REPOSITORY, env=environment | variables))
            assert seen[-1].code == 0, seen[-1].text
    return TwoRuns(root, temporary, (seen[0], seen[1]), black_hole.asked)
