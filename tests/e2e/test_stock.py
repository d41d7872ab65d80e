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
from data import DEFAULT_PROBLEM
from pipeline.local import record
from tests import newer_release
from tests.components.columnar.evaluator import evaluations

TWINS = {"StatisticsGen", "Transform", "Evaluator", "MobileEvaluator"}
EQUAL = {"rel": 1e-6, "abs": 1e-7}  # as in tests/benchmarks/pipeline_equality.py
# So few rows make a poor model: it is published all the same.
SETTINGS = ["components.executors=stock", "evaluate.min_auc=0.4", "evaluate.max_auc_drop=1.0"]


@pytest.fixture(scope="module")
def root(few_spans, tmp_path_factory) -> Path:
    """Of runs of March, with nothing in production, and of April."""
    folder = tmp_path_factory.mktemp("stock")
    path = newer_release.for_python(folder, refused="components.columnar")
    arguments = [part for setting in SETTINGS for part in ("--set", setting)]
    for version, span in enumerate(("2013-03", "2013-04"), 1):
        found = run(*arguments, "--span", span, spans=few_spans, root=folder / "runs", PYTHONPATH=path)
        assert found.returncode == 0, found.stdout + found.stderr
        assert set(states(found.stdout).values()) <= {"done", "cached"}
        assert f"Published version {version} to " in found.stdout
        assert f"For phones, version {version} to " in found.stdout
    return folder / "runs"


def test_a_library_without_the_private_names_ends_a_run_before_its_first_node(few_spans, tmp_path):
    path = newer_release.for_python(tmp_path)
    found = run(spans=few_spans, root=tmp_path / "runs", PYTHONPATH=path)
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


def test_the_nodes_that_ran_are_those_that_were_chosen(root, two_runs):
    assert on_columns(root) == set()
    assert on_columns(two_runs.root) == TWINS


def test_what_was_published_has_the_metrics_that_columns_give(root, tmp_path):
    """Of both models, in every slice: the candidate, and version 1 in production."""
    inputs = evaluations.of_second_run(root, DEFAULT_PROBLEM, tmp_path)
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
        assert len(slices) > 10
        assert ours[model].keys() == slices.keys()
        for name, metrics in slices.items():
            assert ours[model][name] == pytest.approx(metrics, **EQUAL)
    published = store.read(root / "serving" / "flight_delay", 2)
    assert published.manifest.overall == pytest.approx(ours[tfma_results.CANDIDATE]["overall"], **EQUAL)
