"""The command line and what the pages hold; how TFMA's looks in a browser is tested in tests/browser."""

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from components.shared import tfma_results, trace
from components.shared.nodes import Output
from pipeline import views
from tests.clocks import starts


@pytest.fixture
def root(parcel_runs, tmp_path) -> Path:
    """A root of its own with both runs' metadata, which name the artifacts where they are."""
    shutil.copy(parcel_runs.root / "metadata.db", tmp_path)
    return tmp_path


def shown(*arguments) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.views", *(str(argument) for argument in arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("view", ["facets", "tfma"])
def test_a_root_without_runs_says_what_to_do(view, tmp_path, capsys):
    assert views.main([view, "--root", str(tmp_path)]) == 2
    said = capsys.readouterr().out
    assert f"BadConfig: {tmp_path} holds no run" in said
    assert "make run" in said


def test_help_is_quick_and_says_that_the_pages_need_the_internet():
    assert "www.gstatic.com" in shown("--help").stdout
    assert starts(lambda: shown("--help")) < 6


def test_facets_compares_the_splits_of_the_newest_run(root):
    result = shown("facets", "--root", root)
    page = root / "views" / "facets.html"
    newest = trace.runs(trace.open_store(root / "metadata.db"))[-1]
    assert (result.returncode, result.stdout, result.stderr) == (0, f"Run {newest}: {page}\n", "")
    [encoded] = re.findall(r'<facets-overview proto-input="([^"]+)"', page.read_text())
    statistics = DatasetFeatureStatisticsList.FromString(base64.b64decode(encoded))
    rows = {dataset.name: dataset.num_examples for dataset in statistics.datasets}
    assert rows.keys() == {"train", "eval"}
    assert rows["train"] > rows["eval"] > 0


def test_tfma_shows_both_models_of_the_newest_run(root):
    result = shown("tfma", "--root", root)
    page = root / "views" / "tfma.html"
    newest = trace.runs(trace.open_store(root / "metadata.db"))[-1]
    assert (result.returncode, result.stdout, result.stderr) == (0, f"Run {newest}: {page}\n", "")
    assert re.findall("<caption>(.+)</caption>", page.read_text()) == ["candidate", "baseline"]


def test_a_model_that_was_evaluated_alone_is_shown_too(root):
    store = trace.open_store(root / "metadata.db")
    first = trace.runs(store)[0]
    folder = trace.read(store, first).output(Output.EVALUATION).uri
    page = views.tfma(first, folder)
    assert re.findall("<caption>(.+)</caption>", page) == ["candidate"]
    assert page.count('"slice": ') == len(tfma_results.metrics(folder)["candidate"])


def test_a_run_whose_artifacts_were_removed_is_passed_over(root, monkeypatch):
    store = trace.open_store(root / "metadata.db")
    *_, first, last = trace.runs(store)
    assert views.newest(root, "tfma")[0] == last
    removed = trace.read(store, last).output(Output.EVALUATION).uri
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) != removed and is_dir(path))
    assert views.newest(root, "tfma")[0] == first


def test_who_reads_the_page_before_sees_all_of_it(root):
    page = root / "views" / "tfma.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text("the page before")
    with page.open() as reader:
        views.write(root, "tfma")
        assert reader.read() == "the page before"
    assert page.read_text().startswith("<!doctype html>")
    assert {path.suffix for path in page.parent.iterdir()} == {".html"}


def test_a_page_that_cannot_be_written_is_said(root, capsys):
    (root / "views").write_text("a file is in the way")
    assert views.main(["tfma", "--root", str(root)]) == 1
    assert "RootUnusable" in capsys.readouterr().out
