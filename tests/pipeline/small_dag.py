"""A DAG of three nodes that take a moment: one makes a number, one uses it, and a closing one says what it got."""

import os
import re
import signal
import time
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.experimental.node_execution_options.utils import NodeExecutionOptions
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import String

from components.shared import steps
from components.shared.errors import BadData
from pipeline.local.local_dag import CLOSING


@component
def Make(number: OutputArtifact[String], broken: Parameter[int]) -> None:  # type: ignore[valid-type]
    if broken:
        raise BadData("rows.parquet has no column returned.")
    number.value = "7"


@component
def Use(hangs: Parameter[str], number: InputArtifact[String], twice: OutputArtifact[String]) -> None:  # type: ignore[valid-type]
    HANGS[hangs]()
    twice.value = str(2 * int(number.value))


def grow() -> None:
    kept = []
    while True:
        kept.append(b"x" * 50_000_000)
        time.sleep(0.1)


def break_down() -> None:
    raise ZeroDivisionError("a bug")


def quote_an_option() -> None:
    raise RuntimeError("no answer to --token=open sesame")


def leave() -> None:
    raise SystemExit("invalid value: 'open sesame'")


def step_by_step() -> None:
    for number in range(31):
        steps.report("epoch", number / 10, 3)
        print("of a library")
        time.sleep(0.2)


HANGS = {
    "": lambda: None,
    "sleeps": lambda: time.sleep(600),
    "spins": lambda: re.match(r"(a+)+$", "a" * 60 + "b"),  # doubles with each letter; no other thread runs meanwhile
    "grows": grow,
    "dies": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "breaks": break_down,
    "quotes": quote_an_option,
    "leaves": leave,
    "steps": step_by_step,
}


@component
def Close(said: Parameter[str], hangs: Parameter[str], twice: InputArtifact[String] = None) -> None:  # type: ignore[valid-type]
    HANGS[hangs]()
    Path(said).write_text(twice.value if twice else "nothing", encoding="utf-8")


def create(folder: Path, *, broken: bool = False, hangs: str = "", closing: str = "", closing_id: str = "Close") -> Pipeline:
    """The DAG, in a folder of its own; the closing node writes into `said`. This and the second may do one of `HANGS`."""
    make = Make(broken=int(broken))
    use = Use(hangs=hangs, number=make.outputs["number"])
    close = Close(twice=use.outputs["twice"], said=str(folder / "said"), hangs=closing).with_id(closing_id)
    close.node_execution_options = NodeExecutionOptions(trigger_strategy=CLOSING)
    return Pipeline(
        pipeline_name="small",
        pipeline_root=str(folder / "artifacts"),
        components=[make, use, close],
        metadata_connection_config=sqlite_metadata_connection_config(str(folder / "metadata.db")),
    )
