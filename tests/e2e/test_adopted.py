"""From a table to a published model: `adopt` as a command, then a run of what it wrote, without an edit."""

import subprocess

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, run_problem, states

from components.model_store import contents, store
from components.shared.phone import card
from pipeline.config import load
from tests import neutral, preloaded

DAYS = [day for day in pd.date_range("2024-03-01", "2024-03-21") if day.weekday() < 6]


@pytest.fixture(scope="module")
def table():
    """Parcels of three weeks as somebody has them: closed on Sundays, words for a label, names that no input can have."""
    made = neutral.rows(neutral.MONTHS[:1], each=60 * len(DAYS), optional=False)
    random = np.random.default_rng(1)
    made[neutral.DATE] = random.choice(DAYS, len(made))
    made["street"] = [f"street {number}" for number in random.integers(0, 500, len(made))]
    made["came back"] = made.pop(neutral.LABEL).map({0: "no", 1: "yes"})
    return made[["day", "shop", "price", "gift", "street", "came back"]].rename(columns={"shop": "class", "price": "net price"})


def adopt(table, folder, *arguments):
    """What adopt says; it must end well."""
    table.to_csv(folder / "parcels.csv", index=False)
    command = [preloaded.PYTHON, "-m", "pipeline.adopt", str(folder / "parcels.csv"), "--name", "parcels"]
    command += ["--into", str(folder), "--label", "came back", *arguments]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_table_is_adopted_and_published(table, tmp_path):
    said = adopt(table, tmp_path)
    assert "Renamed    class is class_, net price is net_price, came back is came_back." in said
    assert "Label      came_back: binary, 1 is yes, 0 is no (sure)" in said
    assert f"Spans      {len(DAYS)}, one day of day each: 2024-03-01 to 2024-03-21." in said
    problem = tmp_path / "parcels"
    data = load(problem=problem).data
    assert (data.unit, data.window, data.max_gaps) == ("day", 20, 3)
    output = run_problem(problem, tmp_path / "runs", "2024-03-20")
    assert states(output)["Publisher"] == states(output)["MobilePublisher"] == states(output)["RunReport"] == "done"
    assert "Findings in the data: none." in output
    published = store.production(tmp_path / "runs" / "serving" / "parcels")
    assert published.manifest.window[0] == "2024-03-01"
    assert "1 is yes, 0 is no" in (published.folder / contents.CARD).read_text()
    file = store.production(tmp_path / "runs" / "mobile" / "parcels").folder / card.MODEL_FILE
    assert [feature.name for feature in card.read(file).features] == ["class_", "net_price", "gift", "street", "day_weekday"]
