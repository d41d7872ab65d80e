"""A tick that a broken file ends, whose exit code and whose traces are looked at."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import command
from planted import BEAM_OPTIONS, ENVIRONMENT, NOTIFY

from tests.pipeline.processes import done


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
def refused(few_spans: Path, tmp_path_factory: pytest.TempPathFactory) -> Refused:
    folder = tmp_path_factory.mktemp("refused")
    for span in ("2013-01", "2013-02", "2013-03"):
        (folder / "spans" / span).mkdir(parents=True)
        whole = (few_spans / span / "flights.parquet").read_bytes()
        (folder / "spans" / span / "flights.parquet").write_bytes(whole if span != "2013-02" else whole[:-100])
    secrets = ["--set", f"beam.options={BEAM_OPTIONS}", "--set", f"schedule.notify={NOTIFY}"]
    root = folder / "runs"
    _, _, _, *arguments = command(*secrets, "--set", "schedule.attempts=1", spans=folder / "spans", root=root)
    return Refused(root, arguments, *done("pipeline.retrain", *arguments, **ENVIRONMENT))
