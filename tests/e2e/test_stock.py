"""Two whole runs with TFX's own executors, where components/columnar cannot be imported, beside those on columns."""

import re
from pathlib import Path

import pytest
from conftest import run, states

from components.columnar.evaluator.executor import Executor
from components.model_store import store
from components.shared import tfma_results
from components.shared.errors import Exit
from components.shared.trace import open_store
from pipeline.local import record
from tests import neutral, newer_release
from tests.components.columnar.evaluator import evaluations

TWINS = {"StatisticsGen", "Transform", "Evaluator", "MobileEvaluator"}
EQUAL = {"rel": 1e-6, "abs": 1e-7}  # as in tests/benchmarks/pipeline_equality.py
STOCK = ["--set", "components.executors=stock"]


@pytest.fixture(scope="module")
def root(parcels, tmp_path_factory) -> Path:
    """Of a run with nothing in production, and of the next month's."""
    folder = tmp_path_factory.mktemp("stock")
    path = newer_release.for_python(folder, refused="components.columnar")
    for version, span in enumerate(neutral.MONTHS[1:], 1):
        found = run(*STOCK, "--span", span, problem=parcels, root=folder / "runs", PYTHONPATH=path)
        assert found.returncode == 0, found.stdout + found.stderr
        assert set(states(found.stdout).values()) <= {"done", "cached"}
        assert f"Published version {version} to " in found.stdout
        assert f"For phones, version {version} to " in found.stdout
    return folder / "runs"


def test_a_library_without_the_private_names_ends_a_run_before_its_first_node(parcels, tmp_path):
    path = newer_release.for_python(tmp_path)
    found = run(problem=parcels, root=tmp_path / "runs", PYTHONPATH=path)
    assert found.returncode == Exit.WRONG_SETTING
    said = " ".join((found.stdout + found.stderr).split())
    assert re.search(r"BadConfig: Evaluator on columns needs a name that tensorflow-model-analysis [\d.]+ does not have", said)
    assert "cannot import name '_EPSILON'" in said
    assert 'set components.executors = "stock"' in said
    assert states(found.stdout) == {}


def on_columns(root: Path) -> set[str]:
    """Nodes that ran on columns."""
    types = [kind.name for kind in open_store(root / "metadata.db").get_execution_types()]
    return {name.rpartition(".")[2] for name in types if name.startswith("components.columnar.")}


def test_the_nodes_that_ran_are_those_that_were_chosen(root, parcel_runs):
    assert on_columns(root) == set()
    assert on_columns(parcel_runs.root) == TWINS


def test_what_was_published_has_the_metrics_that_columns_give(root, parcels, tmp_path):
    """Of both models, in every slice: the candidate, and version 1 in production."""
    inputs = evaluations.of_second_run(root, parcels, tmp_path)
    evaluations.run(Executor, inputs)
    ours, stock = (
        tfma_results.metrics(str(folder))
        for folder in (
            tmp_path / Executor.__module__ / "evaluation",
            record.last_run(root / "metadata.db")["Evaluator"]["evaluation"].uri,
        )
    )
    assert ours.keys() == stock.keys() == {tfma_results.CANDIDATE, tfma_results.BASELINE}
    for model, slices in stock.items():
        assert len(slices) > 5
        assert ours[model].keys() == slices.keys()
        for name, metrics in slices.items():
            assert ours[model][name] == pytest.approx(metrics, **EQUAL)
    published = store.read(root / "serving" / "parcels", 2)
    assert published.manifest.overall == pytest.approx(ours[tfma_results.CANDIDATE]["overall"], **EQUAL)
