"""Spans of a day, with a gap and with one that is still growing, and rows without a date: real runs on few rows."""

import json
import subprocess
import sys

import pytest
from conftest import REPOSITORY, run_problem

from components.model_store import contents, store
from components.shared.errors import Exit
from tests import neutral, preloaded

DAYS = ("2200-03-03", "2200-03-04", "2200-03-05", "2200-03-07", "2200-03-08")  # a later century: the last one is not over


@pytest.mark.timeout(1800)
def test_a_tick_runs_the_days_that_are_whole_and_says_which_one_grows(tmp_path):
    said = "window = 4\nmax_gaps = 1\neval_days = 1"
    folder = neutral.write(tmp_path / "parcels", ["shop", "price"], months=DAYS, each=500, data=said)
    root = tmp_path / "runs"
    command = [sys.executable, "-m", "pipeline.retrain", "--problem", str(folder), "--root", str(root)]
    done = subprocess.run(preloaded.command(command), cwd=REPOSITORY, capture_output=True, text=True, timeout=1500, check=False)
    line = json.loads((root / "retrain.log").read_text())
    assert (done.returncode, line["incomplete"], line["waiting"]) == (Exit.PUBLISHED, ["2200-03-08"], []), done.stdout
    assert [(run["span"], run["outcome"]) for run in line["runs"]] == [("2200-03-05", "published"), ("2200-03-07", "published")]
    assert line["message"].startswith(
        "2200-03-08 is not whole yet. Expected a file of a later day, _SUCCESS in the day's folder"
    )
    assert "Data: 2200-03-04 to 2200-03-07, 1,000 rows to train, 500 of 1 days to evaluate." in done.stdout
    first, second = (store.read(root / "serving" / "parcels", number).manifest for number in (1, 2))
    assert (first.window, second.window) == ([*DAYS[:3]], [*DAYS[1:4]])
    page = (root / "reports" / "index.html").read_text()
    assert "after the run of each day" in page and "month" not in page


def test_rows_without_a_date_are_split_by_a_hash_which_is_said_everywhere(tmp_path):
    undated = 'window = 1\nignore_columns = ["day"]\neval_share = 0.25'
    folder = neutral.write(tmp_path / "alone", ["shop", "price"], months=neutral.MONTHS[:1], each=4000, data=undated)
    (folder / "problem.toml").write_text((folder / "problem.toml").read_text().replace(f'date = "{neutral.DATE}"', ""))
    root = tmp_path / "runs"
    said = run_problem(folder, root, neutral.MONTHS[0])
    published = store.production(root / "serving" / "parcels")
    rows = published.manifest.rows
    assert rows["train"] + rows["eval"] == 4000 and 700 < rows["eval"] < 1300
    assert f"{rows['eval']:,} of them, picked by a hash since the rows have no date, to evaluate." in said
    assert "picked by a hash of each, since the rows have no date" in (published.folder / contents.CARD).read_text()
    [page] = (root / "reports").glob("*/index.html")
    assert "The rows have no date: a hash of each decides" in page.read_text()
