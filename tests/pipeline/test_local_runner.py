"""What a user meets before any node runs. No TensorFlow is imported for it."""

import shutil
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from rich.console import Console

from components.shared.errors import BadConfig, SpanNotFound
from components.span_example_gen import whole
from pipeline import config, local_runner
from pipeline.shared.checkout import git_commit
from tests.clocks import starts
from tests.pipeline.conftest import with_set


def test_help_costs_little_and_imports_nothing_heavy():
    command = [sys.executable, "-X", "importtime", "-m", "pipeline.local_runner", "--help"]

    def ask() -> None:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        imported = {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}
        assert "--span" in done.stdout and not {"tensorflow", "tfx", "pandas", "ml_metadata"} & imported

    assert starts(ask) < 6


def test_commands_that_need_no_tensorflow_import_none():
    modules = ", ".join(f"pipeline.{name}" for name in ("keys", "rollback", "schedule", "replay", "retrain", "local_runner"))
    code = f"import sys, {modules}; assert not {{'tensorflow', 'tfx'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


@pytest.mark.parametrize(
    ("arguments", "ended"),
    [
        (["--span", "2024-11"], (1, "SpanNotFound: Span 2024-10, 2024-11 is not in")),
        (["--span", "2024-99"], (2, "BadConfig: '2024-99' is not a span; expected a month such as 2013-07 (data.unit).")),
        (["--span", "summer"], (2, "BadConfig: 'summer' is not a span; expected a month such as 2013-07 (data.unit).")),
        (["--set", "data.window=9"], (1, "expected at least 9 whole months in a row")),
        (["--set", "data.window=0"], (2, "data.window = 0: Input should be greater than or equal to 1")),
        (["--config", "none.toml"], (2, "none.toml cannot be read as TOML")),
    ],
)
def test_a_wrong_request_gets_one_clear_message_and_writes_nothing(given, tmp_path, call, arguments, ended):
    code, said = call("pipeline.local_runner", *given, *arguments)
    assert code == ended[0]
    assert ended[1] in said
    assert "Traceback" not in said
    assert "is learned" not in said
    assert [path.name for path in (tmp_path / "runs").rglob("*")] in ([], [".lock"])


def test_no_spans(parcels, tmp_path, call):
    arguments = ("--problem", parcels, "--root", tmp_path / "runs", *with_set(f"data.spans={tmp_path}"))
    code, said = call("pipeline.local_runner", *arguments)
    assert code == 1
    assert "No spans in" in said
    assert "make data PROBLEM=NAME" in said


def test_a_root_that_cannot_be_written(parcels, call):
    code, said = call("pipeline.local_runner", "--problem", parcels, "--root", "/proc/runs")
    assert code == 1
    assert "RootUnusable: /proc/runs cannot be written" in said


def test_spans_are_taken_from_the_oldest_whose_window_is_whole(parcels, tmp_path):
    settings = config.load(overrides=[f"run.root={tmp_path}"], problem=parcels)
    console = Console()
    assert local_runner.next_span(settings, console) == "2024-02"
    shutil.copytree(parcels / "spans", tmp_path / "gap", ignore=shutil.ignore_patterns("2024-02"))
    with pytest.raises(SpanNotFound, match="expected at least 2 whole months in a row"):
        gap = [f"data.spans={tmp_path / 'gap'}", f"run.root={tmp_path}"]
        local_runner.next_span(config.load(overrides=gap, problem=parcels), console)


def test_a_month_that_is_coming_in_is_run_if_it_is_named_and_that_is_said(parcels, tmp_path, capsys):
    """As far as its key, which is not there."""
    this = f"{whole.now():%Y-%m}"
    (tmp_path / "spans" / this).mkdir(parents=True)
    (tmp_path / "spans" / this / "01.csv").touch()
    settings = [f"data.spans={tmp_path / 'spans'}", "data.window=1", f"run.root={tmp_path / 'runs'}"]
    settings += ["publish.public_key=none.pem", "publish.signing_key=none.key"]
    with pytest.raises(BadConfig, match=r"none\.pem"):
        local_runner.run(config.load(overrides=settings, problem=parcels), this, True, Console())
    assert capsys.readouterr().out.startswith(f"{this} is not whole yet: what is there is learned")


def test_commit_is_recorded():
    commit = git_commit()
    assert commit == "unknown" or len(commit.removesuffix("-dirty")) == 40
