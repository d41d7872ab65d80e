"""Commands in this process, what they work on, and a tick that a broken file ends."""

import json
import runpy
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import once
from planted import BEAM_OPTIONS, ENVIRONMENT, NOTIFY

from components.model_store import store
from components.model_store.manifest import Facts
from pipeline import retrain
from pipeline.local import root
from pipeline.local.outcome import Outcome
from tests import neutral, preloaded
from tests.pipeline.processes import done

MODEL = neutral.PROBLEM.model


@dataclass(frozen=True)
class Refused:
    """A tick that was refused, with secrets in its environment and settings.

    Attributes:
        root: what it wrote.
        arguments: of another one.
        code, said: how it ended.
    """

    root: Path
    arguments: list[str]
    code: int
    said: str


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Refused:
    return once(tmp_path_factory, "refused", Refused, refuse)


def refuse(folder: Path) -> Refused:
    """Do a tick on a month that is broken."""
    problem = neutral.write(folder / "parcels", ("shop", "price"), months=("2013-02", "2013-03"), each=200)
    file = problem / "spans" / "2013-02" / "parcels.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    settings = (f"beam.options={BEAM_OPTIONS}", f"schedule.notify={NOTIFY}", "schedule.attempts=1")
    arguments = ["--problem", str(problem), "--root", str(folder / "runs"), *with_set(*settings)]
    return Refused(folder / "runs", arguments, *done("pipeline.retrain", *arguments, python=preloaded.PYTHON, **ENVIRONMENT))


def with_set(*settings: str) -> list[str]:
    """Each setting with `--set` before it."""
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture
def call(monkeypatch, capfd) -> Callable[..., tuple[int, str]]:
    """Runs a command as `python -m` does, but in this process, which has its imports; returns its exit code and output."""

    def leave(code: int):
        raise SystemExit(code)

    def called(module: str, *arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [f"{module.rpartition('.')[2]}.py", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended, warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            runpy.run_module(module, run_name="__main__")
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    monkeypatch.setattr(root, "leave", leave)
    monkeypatch.setattr(root, "PATIENCE", 0.05)
    return called


@pytest.fixture
def versions(tmp_path) -> Path:
    """A root with two versions of the neutral problem's models, of spans 2024-02 and 2024-03."""
    for span in ("2024-02", "2024-03"):
        (tmp_path / span).mkdir()
        (tmp_path / span / "saved_model.pb").write_text(span)
        facts = Facts(model=MODEL, span=span, metrics={"overall": {"auc": 0.71}})
        for kind in ("serving", "mobile"):
            store.publish(tmp_path / "runs" / kind / MODEL, tmp_path / span, {}, facts, 5)
    return tmp_path / "runs"


@pytest.fixture
def spans(tmp_path) -> Path:
    """Four months; what stands in their files does not matter where runs have a stand-in."""
    for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
        (tmp_path / "spans" / month).mkdir(parents=True)
        (tmp_path / "spans" / month / "rows.csv").write_text("x")
    return tmp_path / "spans"


@pytest.fixture
def given(parcels, spans, tmp_path) -> list[str]:
    """Arguments of a run of the neutral problem on `spans`."""
    return ["--problem", str(parcels), "--root", str(tmp_path / "runs"), *with_set(f"data.spans={spans}")]


@pytest.fixture
def tick(parcels, tmp_path) -> Callable[..., tuple[int, dict]]:
    """Does a tick in this process, with windows of three months; returns its code and the last line of retrain.log."""

    def ticked(*settings: str) -> tuple[int, dict]:
        given = with_set(f"data.spans={tmp_path / 'spans'}", "data.window=3", *settings)
        code = retrain.main(["--problem", str(parcels), "--root", str(tmp_path / "runs"), *given])
        return code, json.loads((tmp_path / "runs" / "retrain.log").read_text().splitlines()[-1])

    return ticked


@pytest.fixture
def stand_in(monkeypatch) -> Callable[..., list[str]]:
    """Has runs end with the outcomes that are given by month, as `m04="published"`; returns the list that spans run go to."""

    def runs_are(**outcomes: str) -> list[str]:
        ran: list[str] = []

        def run(_config, span, _options):
            ran.append(span)
            return Outcome(span=span, outcome=outcomes[f"m{span[-2:]}"], reason="why")

        monkeypatch.setattr(retrain, "run", run)
        return ran

    return runs_are
