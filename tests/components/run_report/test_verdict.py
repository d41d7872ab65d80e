"""The sentence at the top of a page, for each way in which a run ends."""

import pytest

from components.run_report.facts import GateFacts, Limit, Measured, Metric, ModelFacts
from components.run_report.verdict import Verdict, verdict
from components.shared import drift_report
from components.shared.trace import Artifact, Execution, Trace

SPAN = "2024-04"


def execution(node: str, state: str = "done", message: str = "", **outputs: Artifact) -> Execution:
    return Execution(node, state, 0.0, 1.0, message, outputs={key: [artifact] for key, artifact in outputs.items()})


def artifact(uri: str = "", **properties: str | int) -> Artifact:
    return Artifact(1, "Any", uri, properties)


def trace(*executions: Execution) -> Trace:
    before = execution("ProductionModel", model=artifact(version=1))
    return Trace("run", {each.node: each for each in [before, *executions]})


def candidate(production: float | None) -> ModelFacts:
    auc = Metric(
        name="AUC", better="higher", candidate=Measured(value=0.7194), production=production and Measured(value=production)
    )
    nothing = {"refusals": [], "slices": [], "candidate": None, "production": None, "loss": {}, "importance": []}
    return ModelFacts(rows=9242, blessed=True, production_version=1 if production else None, metrics=[auc], **nothing)


@pytest.mark.parametrize(
    ("production", "sentence"),
    [
        (None, "Published version 2, trained up to 2024-04: AUC 0.719 on 9,242 rows; it passed every gate."),
        (
            0.709,
            "Published version 2, trained up to 2024-04: AUC 0.719, and 0.709 of version 1 on the same 9,242 rows; it passed "
            "every gate.",
        ),
    ],
)
def test_published(production, sentence):
    pushed = execution("Publisher", pushed_model=artifact(pushed=1, version=2, reason=""))
    phone = execution("MobilePublisher", pushed_model=artifact(pushed=1, version=2, reason=""))
    found = verdict(trace(pushed, phone), SPAN, candidate(production), [])
    assert (found.outcome, found.version, found.headline) == ("published", 2, sentence)


def test_published_without_the_phones_model():
    pushed = execution("Publisher", pushed_model=artifact(pushed=1, version=2, reason=""))
    phone = execution("MobilePublisher", pushed_model=artifact(pushed=0, reason="country=DE: auc is 0.6"))
    found = verdict(trace(pushed, phone), SPAN, None, [])
    assert found.headline.endswith(" and its model for phones was not published, since country=DE: auc is 0.6.")


def test_published_beside_a_pinned_version():
    pushed = execution("Publisher", pushed_model=artifact(pushed=1, version=3, in_production=1, reason=""))
    found = verdict(trace(pushed), SPAN, candidate(0.709), [])
    assert (found.outcome, found.version, found.waiting) == ("published", 1, 3)
    assert found.headline == (
        "Published version 3, which waits for a promotion (models.config has version 1 in production), trained up to 2024-04: "
        "AUC 0.719, and 0.709 of version 1 on the same 9,242 rows; it passed every gate."
    )


def test_published_into_production():
    pushed = execution("Publisher", pushed_model=artifact(pushed=1, version=2, in_production=2, reason=""))
    found = verdict(trace(pushed), SPAN, None, [])
    assert (found.version, found.waiting, found.headline) == (
        2,
        None,
        "Published version 2, trained up to 2024-04: it passed every gate.",
    )


def test_the_model_that_waits_already_is_not_in_production():
    reason = "version 3, which is not in production, is this very model"
    pushed = execution("Publisher", pushed_model=artifact(pushed=0, version=3, in_production=1, reason=reason))
    found = verdict(trace(pushed), SPAN, None, [])
    assert (found.outcome, found.version, found.waiting) == ("not_blessed", 1, None)
    assert found.headline == f"Nothing was published for 2024-04: {reason}, and version 1 stays in production."


def refused(limit: Limit) -> Verdict:
    """Of a run whose Evaluator refused the candidate for a limit."""
    gate = GateFacts(id="model", name="Evaluation", node="Evaluator", state="refused", limits=[limit], reasons=["auc is 0.5"])
    pushed = execution("Publisher", pushed_model=artifact(pushed=0, reason="overall: auc is 0.5; expected at least 0.6"))
    return verdict(trace(pushed), SPAN, candidate(0.709), [gate])


def test_not_blessed():
    found = refused(Limit(name="AUC", value=0.5, at_least=0.6, settings=["evaluate.min_auc"]))
    assert (found.outcome, found.version) == ("not_blessed", 1)
    assert found.headline == (
        "Nothing was published for 2024-04: the Evaluator refused the candidate of 2024-04 (AUC 0.500, limit at least 0.600), "
        "and version 1 stays in production."
    )


def test_a_gate_stopped_it():
    findings = "- eval split, returned: share of positive labels out of range. Found: 0.00%. Expected: more.\n- weight: none"
    message = f"DataRejected: The data of span 2024-04 were not trained on:\n{findings}\nMend the data."
    closing = execution("RunReport", "failed")  # it runs while it asks
    found = verdict(trace(execution("DataGate", "failed", message), closing), SPAN, None, [])
    assert (found.outcome, found.version) == ("stopped", 1)
    assert found.headline == (
        "Nothing was published for 2024-04: DataGate refused the data (eval split, returned: share of positive labels out of "
        "range and 1 more), and version 1 stays in production."
    )


def test_a_node_failed():
    found = verdict(trace(execution("Trainer", "failed", "ResourceExhaustedError: out of memory\nat some op")), SPAN, None, [])
    assert (found.outcome, found.headline) == (
        "failed",
        "Nothing was published for 2024-04: Trainer failed with ResourceExhaustedError: out of memory, and version 1 stays in "
        "production.",
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "InvalidArgumentError: 2 root errors found.\n- foo: y\n- bar: z",
            "failed with InvalidArgumentError: 2 root errors found,",
        ),
        ("BadData: 2024-04 has columns too many:\n- a\n- b", "refused the data (2024-04 has columns too many:),"),
    ],
)
def test_a_list_in_a_message_is_findings_in_the_data_gates_alone(message, said):
    assert (
        f": Trainer {said} and version 1 stays"
        in verdict(trace(execution("Trainer", "failed", message)), SPAN, None, []).headline
    )


def test_a_message_of_sentences_ends_before_what_stays():
    message = "ProcessDied: Trainer ended with its process: killed by SIGKILL. What it wrote last is in the log."
    found = verdict(trace(execution("Trainer", "failed", message)), SPAN, None, [])
    assert found.headline.endswith("SIGKILL. What it wrote last is in the log. Version 1 stays in production.")
    first = verdict(Trace("run", {"Trainer": execution("Trainer", "failed", message)}), SPAN, None, [])
    assert first.headline.endswith("SIGKILL. What it wrote last is in the log.")


def test_it_was_killed():
    assert verdict(trace(execution("Trainer", "failed")), SPAN, None, []).outcome == "unfinished"
    between = verdict(trace(execution("DataGate")), SPAN, None, [])
    assert (between.outcome, between.headline) == (
        "unfinished",
        "Nothing was published for 2024-04: the run came to no decision, since it was ended after DataGate.",
    )


def test_a_quiet_month(tmp_path):
    reference = drift_report.Reference(model="parcels", version=1, span="2024-03", window=["2024-03"], rows=10)
    quiet = drift_report.conclude(span=SPAN, rows=9, reference=reference, checks=[], retrain_on=[], block_push=[])
    (tmp_path / drift_report.FILE).write_text(quiet.model_dump_json())
    monitor = execution("DriftMonitor", report=artifact(str(tmp_path), retrain=0))
    found = verdict(trace(monitor), SPAN, None, [])
    assert (found.outcome, found.version) == ("stable", 1)
    assert "version 1 stays" in found.headline
