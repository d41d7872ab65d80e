"""Ticks of the schedule with real runs on few rows, as cron starts them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import REPOSITORY, run, states

from components.model_store import store
from components.model_store.restore import restore
from components.shared.errors import Exit
from tests import neutral, preloaded

pytestmark = pytest.mark.timeout(3600)

NEW = "2024-04"


def tick(root: Path, problem: Path, *settings: str) -> dict:
    """Runs a tick; its line in retrain.log, with what the terminal showed as `shown`."""
    command = [sys.executable, "-m", "pipeline.retrain", "--root", str(root), "--problem", str(problem)]
    command += [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(preloaded.command(command), cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)
    line = json.loads((root / "retrain.log").read_text().splitlines()[-1])
    assert done.returncode == line["exit_code"], done.stdout
    return line | {"shown": done.stdout}


@pytest.fixture
def with_april(problem, tmp_path) -> Path:
    """The problem, and a month that has just arrived, of dearer parcels."""
    folder = Path(shutil.copytree(problem, tmp_path / "april" / problem.name))
    april = neutral.rows((NEW,), seed=2)
    neutral.write_spans(april.assign(price=april.price * 3)[[neutral.DATE, *neutral.COLUMNS]], folder / "spans")
    return folder


SERVER = """
import os, sys

if os.path.exists(sys.argv[1]):
    sys.exit("no memory is left")
os.execv(sys.executable, [sys.executable, "-m", "serving.local_server", *sys.argv[2:]])
"""


def test_a_month_that_arrives_is_run_once_and_stays_rolled_back(root, problem, with_april, tmp_path):
    """The first try finds a machine that runs no server: that decides nothing, and is not remembered."""
    assert tick(root, problem)["exit_code"] == Exit.DONE
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "ill").touch()
    flags = ["--port={port}", "--rest_api_port={rest_port}", "--model_name={name}", "--model_base_path={folder}"]
    command = json.dumps(["python", str(tmp_path / "server.py"), str(tmp_path / "ill"), *flags])
    settings = ("mobile.max_difference={float32=1e-5,float16=1e-9}", f"canary.command={command}")
    line = tick(root, with_april, *settings)
    assert (line["exit_code"], line["outcome"], line["runs"][0]["outcome"]) == (Exit.FAILED, "failed", "failed")
    assert "while it was loaded the server ended with code 1; its last words: no memory is left" in line["message"]
    assert states(line["shown"])["Canary"] == "failed"
    (tmp_path / "ill").unlink()
    line = tick(root, with_april, *settings)
    assert line["exit_code"] == Exit.PUBLISHED
    assert (states(line["shown"])["Trainer"], states(line["shown"])["Canary"]) == ("cached", "done")
    assert line["runs"][0]["mobile"].startswith("float16 differs from the server's model by up to ")
    assert store.versions(root / "mobile" / "parcels") == [1, 2]
    [only] = line["runs"]
    assert (only["span"], only["outcome"], only["version"]) == ("2024-04", "published", 3)
    assert only["drift"] in ("drifted", "decayed")
    assert only["drift_reasons"]
    serving = root / "serving" / "parcels"
    assert store.production(serving).manifest.span == "2024-04"
    restore(serving, None, keep=5)
    assert tick(root, with_april)["exit_code"] == Exit.DONE
    again = run("--span", NEW, problem=with_april, root=root)
    text = " ".join(again.stdout.split())
    assert "Nothing new was published: this very model was version 3, which a rollback took out of production." in text
    assert (store.production(serving).number, store.production(serving).manifest.restored_from) == (4, 2)


def test_a_quiet_month_is_done_without_a_training(root, with_april):
    line = tick(root, with_april, "drift.policy=retrain_on_drift", "drift.retrain_on=[]")
    assert line["exit_code"] == Exit.STABLE
    shown = states(line["shown"])
    assert {shown[node] for node in ("Transform", "Trainer", "Evaluator", "Publisher")} == {"skipped"}
    assert shown["DriftMonitor"] == "done"
    assert "version 2 stays" in line["runs"][0]["reason"]
    assert store.versions(root / "serving" / "parcels") == [1, 2]
    assert tick(root, with_april)["exit_code"] == Exit.DONE


def test_a_check_that_must_stop_a_push_stops_it(root, with_april):
    line = tick(root, with_april, 'drift.block_push=["data:price"]')
    assert line["exit_code"] == Exit.NOT_BLESSED
    assert line["runs"][0]["reason"].startswith("drift.block_push: price ")
    assert store.versions(root / "serving" / "parcels") == [1, 2]


def test_a_month_that_cannot_be_used_is_tried_so_often_and_then_needs_a_person(root, with_april):
    path = with_april / "spans" / NEW / "parcels.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    for _ in range(2):
        line = tick(root, with_april, "schedule.attempts=2")
        assert line["exit_code"] == Exit.DATA_REJECTED
        assert f"{path} cannot be read" in line["message"]
    line = tick(root, with_april, "schedule.attempts=2")
    assert (line["exit_code"], line["runs"]) == (Exit.NEEDS_A_PERSON, [])
    assert line["message"].startswith("2024-04 was tried 2 times and came to no decision; later months wait for it.")
    path.write_bytes(whole)
    line = tick(root, with_april, "schedule.attempts=2", "drift.policy=retrain_on_drift", "drift.retrain_on=[]")
    assert line["exit_code"] == Exit.STABLE


def test_a_month_that_grows_after_it_was_decided_on_is_learned_again(root, with_april):
    """28 daily files of 30, a quiet month; then the other two, and a training with all rows."""
    folder = with_april / "spans" / NEW
    parcels_of_april = pd.read_parquet(folder / "parcels.parquet")
    days = pd.to_datetime(parcels_of_april[neutral.DATE]).dt.day
    (folder / "parcels.parquet").unlink()
    for day in range(1, 29):
        parcels_of_april[days == day].to_parquet(folder / f"{day:02}.parquet", index=False)
    line = tick(root, with_april, "drift.policy=retrain_on_drift", "drift.retrain_on=[]")
    assert (line["exit_code"], line["changed"]) == (Exit.STABLE, [])
    assert tick(root, with_april)["exit_code"] == Exit.DONE
    for day in (29, 30):
        parcels_of_april[days == day].to_parquet(folder / f"{day:02}.parquet", index=False)
    line = tick(root, with_april)
    assert (line["exit_code"], line["changed"]) == (Exit.PUBLISHED, ["2024-04"])
    assert line["message"] == "2024-04 changed since it was learned, so 2024-04 is due."
    assert {states(line["shown"])[node] for node in ("SpanExampleGen", "Transform", "Trainer")} == {"done"}
    manifest = store.production(root / "serving" / "parcels").manifest
    assert manifest.span == "2024-04"
    assert manifest.rows["train"] + manifest.rows["eval"] == 2000
    assert tick(root, with_april)["exit_code"] == Exit.DONE
