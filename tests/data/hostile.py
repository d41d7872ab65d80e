"""Every case of the corpus through the components up to the DataGate, with bounded memory and time: `make test-hostile`.

The worst of what the reader lets pass goes through the whole pipeline: no model comes of it.
"""

import json

import pandas as pd
import pytest
from conftest import REPOSITORY, run
from rich.console import Console
from rich.table import Table

from tests import neutral
from tests.data import children
from tests.data.corpus import CASES
from tests.data.corpus.cases import SPAN

pytestmark = pytest.mark.timeout(3600)

MEGABYTES, SECONDS = 1500, 60
WORST = ("infinity", "2^62 as label", "100,000 shops", "all features missing")  # of what can be read
RESULTS = REPOSITORY / "runs" / "benchmarks" / "corpus.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    found = children.results("chain", tmp_path_factory.mktemp("corpus"))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(list(found.values()), indent=1))
    yield found
    table = Table("case", "outcome", "seconds", "MB", "first words")
    for case in found.values():
        first = case["text"].partition("\n- ")[2] or case["text"].rpartition("spans/")[2]
        table.add_row(
            case["case"], case["outcome"], str(case["seconds"]), str(case["mb"]), first.splitlines()[0][:80] if first else ""
        )
    Console(width=180).print(table, markup=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_one_clear_error_or_goes_on(results, case):
    children.check(case, results, at_the_gate="DataRejected", megabytes=MEGABYTES, seconds=SECONDS)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in WORST], ids=lambda case: case.name)
def test_no_model_comes_of_what_can_be_read(tmp_path, case):
    """The whole pipeline, as a user runs it; the window's other month is good."""
    problem = neutral.write(tmp_path / "parcels", months=(SPAN, "2013-03"))
    path = problem / "spans" / SPAN / "parcels.parquet"
    rows = pd.read_parquet(path)
    path.unlink()
    case.write(path.parent, rows)
    result = run("--problem", problem, "--span", "2013-03", spans=problem / "spans", root=tmp_path / "runs")
    assert result.returncode == 3, result.stdout
    assert "DataRejected: The data of span 2013-03" in result.stdout
    assert "Traceback" not in result.stdout
    assert not list((tmp_path / "runs").glob("serving/*/*")) + list((tmp_path / "runs").glob("mobile/*/*"))
