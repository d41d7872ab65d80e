"""What the terminal says at the end of a run, from artifacts as nodes leave them; real runs: tests/e2e/test_two_runs.py."""

import io
import json

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console

from components.run_report import advice
from components.shared import data_findings, drift_report
from components.shared.commands import make
from components.shared.units import Unit
from components.span_example_gen import whole
from pipeline import config
from pipeline.local import outcome, summary
from pipeline.local.pending import Due
from tests.components.run_report import samples

NOTHING = Due(pending=[], superseded=[], changed={}, waiting=[], incomplete=[])
PROMOTE = "python -m serving.promote --stable 3"


def artifact(uri="", **properties: str | int) -> mlmd.Artifact:
    found = mlmd.Artifact(uri=str(uri))
    for name, value in properties.items():
        setattr(found.custom_properties[name], "int_value" if isinstance(value, int) else "string_value", value)
    return found


@pytest.fixture
def outputs(tmp_path):
    """Of a run that published version 3 into a folder whose models.config keeps version 1."""
    window = ["2024-01", "2024-02", "2024-03"]
    drift = drift_report.Report(
        span="2024-04",
        rows=9242,
        reference=drift_report.Reference(model="m", version=1, span="2024-03", window=window, rows=68855),
        verdict="drifted",
        reasons=[],
        retrain=True,
        blocked=[],
        checks=[],
    )
    (tmp_path / drift_report.FILE).write_text(drift.model_dump_json())
    data_findings.write(str(tmp_path), [])
    rows, days = json.dumps({"train": 68855, "eval": 7155}), json.dumps({"train": 49, "eval": 8})
    pushed = {"pushed": 1, "version": 3, "reason": "", "destination": f"/a/folder/{'long' * 20}/3"}
    return {
        "SpanExampleGen": {"examples": artifact(rows=rows, days=days, window="2024-02,2024-03,2024-04")},
        "DataChecks": {"report": artifact(tmp_path)},
        "DriftMonitor": {"report": artifact(tmp_path)},
        "Publisher": {"pushed_model": artifact(**pushed, in_production=1)},
        "MobilePublisher": {"pushed_model": artifact(**pushed)},
    }


@pytest.fixture
def shown(parcels):
    """Returns what is printed."""

    def show(outputs, found: Due = NOTHING, *, terminal: bool = False) -> str:
        console = Console(file=io.StringIO(), width=80, force_terminal=terminal, color_system=None)
        summary.show(console, config.load(problem=parcels), outputs, outcome.of("2024-04", outputs, 1.0), found)
        return console.file.getvalue()

    return show


def test_a_version_that_waits_for_a_promotion_is_not_said_to_be_in_production(shown, outputs):
    result = outcome.of("2024-04", outputs, 1.0)
    assert (result.outcome, result.version, result.in_production) == ("published", 3, 1)
    assert result.waits == (
        "models.config keeps version 1 in production, and phones, which get version 3, are ahead of the server. "
        f"To put version 3 there: {PROMOTE}"
    )
    text = shown(outputs)
    assert "Version 3 is not in production:\n  models.config keeps version 1 in production, and phones, " in text
    assert f"\n  {PROMOTE}\n" in text


def test_phones_are_not_ahead_without_a_model_of_theirs(outputs):
    outputs["MobilePublisher"]["pushed_model"] = artifact(pushed=0, reason="too large")
    step = outcome.of("2024-04", outputs, 1.0).promotion
    assert step == advice.promotion(1, 3, phones=False, problem="")
    assert "phones" not in step.text


@pytest.mark.parametrize("recorded", [3, 0], ids=["now", "by older code"])
def test_a_version_in_production_needs_no_promotion(shown, outputs, recorded):
    outputs["Publisher"]["pushed_model"].custom_properties["in_production"].int_value = recorded
    assert outcome.of("2024-04", outputs, 1.0).waits == ""
    assert "promote" not in shown(outputs)


def test_days_without_rows_are_not_passed_over(shown, outputs):
    assert "68,855 rows to train, 7,155 of 8 of the last 10 days to evaluate." in shown(outputs)
    outputs["SpanExampleGen"]["examples"].custom_properties["days"].string_value = json.dumps({"train": 49, "eval": 10})
    assert "7,155 of 10 days to evaluate." in shown(outputs)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"pending": ["2024-05"], "incomplete": ["2024-06"]}, "{run} takes 2024-05."),
        ({}, "every whole month was run; --span picks one to run again."),
        ({"incomplete": ["2024-05"]}, f"2024-05 is not whole yet. {whole.expected(Unit.MONTH, 3)}"),
        ({"waiting": ["2024-07"]}, "2024-07 cannot be run before the months missing before it are there."),
        ({"superseded": ["2024-03"]}, "no newer month is whole; --span picks one to run again."),
    ],
)
def test_what_comes_next_is_said_with_what_it_waits_for(shown, outputs, parcels, found, said):
    run = make("run", str(parcels))
    assert run == f'make run ARGS="--problem {parcels}"'
    assert f"\nNext: {said.format(run=run)}\n" in shown(outputs, Due(**{**vars(NOTHING), **found}))


def test_on_a_terminal_lines_break_between_words_and_no_path_or_command_does(shown, outputs):
    text = shown(outputs, terminal=True)
    paths = [line for line in text.splitlines() if "/a/folder" in line]
    assert [path.endswith("long/3") for path in paths] == [True, True]
    assert all(len(line) <= 80 for line in text.splitlines() if line not in paths)
    assert text.split() == shown(outputs).split()
    assert f"\n  {PROMOTE}\n" in text


def test_a_report_that_failed_is_told_with_its_reason_and_what_was_published_is(outputs, parcels):
    outputs["RunReport"] = {}  # it has no page
    console = Console(file=io.StringIO(), width=80, color_system=None)
    result = outcome.of("2024-04", outputs, 1.0, unreported="ValueError: [no] figures")
    summary.show(console, config.load(problem=parcels), outputs, result, NOTHING)
    text = console.file.getvalue()
    assert "Published version 3 to" in text
    assert "The report failed: ValueError: [no] figures\n" in text
    assert f'\n  make report ARGS="--problem {parcels}"\n' in text


def test_a_first_model_is_told_beside_the_naive_answer():
    facts = samples.first()
    naive = {"AUC": 0.5, "log loss": 0.5512}
    metrics = [each.model_copy(update={"naive": naive.get(each.name)}) for each in facts.candidate.metrics]
    beaten = facts.model_copy(update={"candidate": facts.candidate.model_copy(update={"metrics": metrics})})
    console = Console(file=io.StringIO(), width=80, color_system=None)
    for told in (beaten, facts, samples.published(), None):
        summary.naive(console, told)
    assert console.file.getvalue() == (
        "Always answering with the share of positives among the training rows has AUC 0.500 and log loss 0.551 on the same "
        "rows.\n"
    )


def test_a_promotion_names_the_problem(outputs):
    command = outcome.of("2024-04", outputs, 1.0, "data/trips").promotion.command
    assert command == "python -m serving.promote --problem data/trips --stable 3"
