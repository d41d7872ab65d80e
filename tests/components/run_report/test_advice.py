"""What a person is told to do after a run: the words are right in the terminal too, and the commands do not end as it did."""

import re

import pytest

from components.run_report import advice
from components.run_report.facts import Advice, RunFacts
from tests.components.run_report import samples

AGAIN = ".venv/bin/python -m pipeline.local_runner --root runs --span 2024-04"
DIED = "ProcessDied: Trainer ended with its process: killed by SIGKILL. What it wrote last is in the log."
SLOW = "LimitExceeded: Trainer has run for 9 s and was ended; expected 9 s at most (run.max_seconds). The log has more."


def last(run: RunFacts, overrides: str) -> Advice:
    return advice.steps(run, AGAIN + overrides)[-1]


def failed(message: str) -> RunFacts:
    run = samples.failed()
    nodes = [node.model_copy(update={"message": message}) if node.message else node for node in run.nodes]
    return run.model_copy(update={"nodes": nodes})


@pytest.mark.parametrize("name", samples.every())
def test_no_step_says_where_on_a_page_something_is(name):
    assert not [step.text for step in samples.every()[name].steps if re.search(r"\b(above|below)\b", step.text)]


def test_a_refused_run_is_not_told_to_repeat_the_setting_that_refused_it():
    step = last(samples.refused(), " --set train.epochs=2 --set evaluate.min_auc=0.9 --set 'data.spans=a --x'")
    assert step.command == AGAIN + " --set train.epochs=2 --set 'data.spans=a --x'"
    assert step.text == "To run this month again, without --set evaluate.min_auc=0.9, or with another value of it:"
    assert last(samples.refused(), " --set train.epochs=2") == Advice(
        text="To run this month again, with other settings as --set section.key=value:", command=AGAIN + " --set train.epochs=2"
    )


def test_nor_is_a_run_whose_data_were_refused():
    run = samples.stopped()
    rows = run.gates[0].limits[0].model_copy(update={"value": 10.0, "at_least": 1000.0, "settings": ["gate.min_rows"]})
    run = run.model_copy(update={"gates": [run.gates[0].model_copy(update={"limits": [rows]}), *run.gates[1:]]})
    step = last(run, " --set gate.min_rows=1000")
    assert step == Advice(
        text="Then run the month again, without --set gate.min_rows=1000; production is as it was:", command=AGAIN
    )


def test_nor_one_that_was_ended_at_a_limit():
    step = last(failed(SLOW), " --set run.max_seconds=9 --set run.max_memory_gb=8")
    assert step.command == AGAIN + " --set run.max_memory_gb=8"
    assert step.text.startswith("Without --set run.max_seconds=9, the same command resumes")


def test_a_limit_is_named_only_where_the_finding_names_one():
    run = samples.stopped()  # by the schema, as its finding is worded
    assert run.steps[1].text == "If they are right: change what data/parcels/schema.pbtxt says of returned, weight."
    named = run.data.findings[0].model_copy(
        update={"text": "too high. Expected: (gate.min_positive_share, gate.max_positive_share)."}
    )
    run = run.model_copy(update={"data": run.data.model_copy(update={"findings": [named, run.data.findings[1]]})})
    told = advice.steps(run, "")[1].text
    assert told.endswith(" says of returned, weight, or gate.min_positive_share or gate.max_positive_share.")


@pytest.mark.parametrize("message", [DIED, "NodeFailed: Trainer failed: KeyError: 1\nThe traceback is in the log."])
def test_no_traceback_is_promised_which_a_killed_process_does_not_leave(message):
    texts = [step.text for step in advice.steps(failed(message), AGAIN)]
    assert texts[0] == "Read the message with which Trainer ended the run, and the end of the run's log."


def test_a_published_model_that_is_no_better_than_the_naive_answer_is_to_be_looked_at():
    run = samples.published()
    assert advice.steps(run, AGAIN)[0].text.startswith("Nothing: servers that poll")

    def told(name: str, naive: float) -> str:
        metrics = [each.model_copy(update={"naive": naive if each.name == name else None}) for each in run.candidate.metrics]
        beside = run.candidate.model_copy(update={"metrics": metrics})
        return advice.steps(run.model_copy(update={"candidate": beside}), AGAIN)[0].text

    values = {each.name: each.candidate.value for each in run.candidate.metrics}
    assert told("log loss", values["log loss"] + 0.01).startswith("Nothing")
    assert told("AUC", 0.5).startswith("Nothing")
    assert told("calibration", 1.0).startswith("Nothing"), "an answer of the base rate is calibrated, and says nothing"
    looked = told("log loss", values["log loss"] - 0.01)
    expected = f"Look at the model: its log loss is {values['log loss']:.3f}, and always answering with the share of positives"
    assert looked.startswith(expected) and looked.endswith(f"load version {run.version} by themselves.")
