"""What the replay makes of its months; a whole replay is `make replay`."""

import json
from argparse import Namespace

import pytest
from rich.console import Console

from components.shared.errors import BadConfig, CrosswindError
from components.shared.tasks import BINARY, REGRESSION
from pipeline import config, replay
from pipeline.local.outcome import Outcome
from pipeline.replay import PlayedSpan


def month(policy: str, span: str, auc: float | None, outcome: str = "published") -> PlayedSpan:
    served = {} if auc is None else {"AUC": auc, "log loss": 1 - auc, "calibration": 1.1}
    facts = {"span": span, "outcome": outcome, "version": 1, "drift": "drifted", "seconds": 60.0}
    return PlayedSpan(policy=policy, served=served, published=0.7, **facts)


@pytest.fixture
def months() -> list[PlayedSpan]:
    """Retraining gains 0.1 on the mean; drift would have skipped a training that was of no use, and lost a tenth of it."""
    served = {"never_retrain": (0.6, 0.6), "retrain_always": (0.65, 0.75), "retrain_on_drift": (0.65, 0.73)}
    return [
        each
        for policy, (april, may) in served.items()
        for each in (
            month(policy, "2024-03", None),
            month(policy, "2024-04", april, "stable" if policy == "never_retrain" else "published"),
            month(policy, "2024-05", may, "not_blessed" if policy == "retrain_always" else "stable"),
        )
    ]


def shown(table) -> list[list[str]]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines() if line.split()]


def test_a_policy_keeps_a_share_of_the_gain_of_retraining(months):
    rows = {row[0]: row[1:] for row in shown(replay.totals_table(BINARY, months)) if row[0] in replay.POLICIES}
    assert rows["never_retrain"] == ["0.6000", "0%", "0.4000", "0%", "1", "1"]
    assert rows["retrain_always"] == ["0.7000", "100%", "0.3000", "100%", "3", "2"]
    assert rows["retrain_on_drift"] == ["0.6900", "90%", "0.3100", "90%", "2", "2"]


def test_a_month_has_its_line(months):
    rows = shown(replay.spans_table("retrain_always", BINARY, [each for each in months if each.policy == "retrain_always"]))
    assert rows[-1] == ["2024-05", "drifted", "0.7500", "0.2500", "0.7000", "60", "not", "blessed"]
    assert rows[-3] == ["2024-03", "drifted", "-", "-", "0.7000", "60", "version", "1"]


def test_of_a_number_the_error_is_shown_and_less_of_it_is_the_gain():
    served = {"never_retrain": 4.0, "retrain_always": 3.0, "retrain_on_drift": 3.5}
    months = [
        PlayedSpan(span="2024-04", outcome="published", policy=policy, served={"RMSE": rmse, "coverage": 0.9}, published=3.1)
        for policy, rmse in served.items()
    ]
    rows = {row[0]: row[1:] for row in shown(replay.totals_table(REGRESSION, months))}
    assert rows["policy"] == ["RMSE", "gain", "kept", "trained", "pushed"]
    assert [rows[policy][:2] for policy in served] == [["4.0000", "0%"], ["3.0000", "100%"], ["3.5000", "50%"]]
    [*_, line] = shown(replay.spans_table("retrain_always", REGRESSION, months[1:2]))
    assert line[1:3] == ["3.0000", "3.1000"]


def test_a_replay_of_one_span_has_served_nothing(months):
    rows = {row[0]: row[1:] for row in shown(replay.totals_table(BINARY, months[:1]))}
    assert rows["never_retrain"] == ["-", "-", "-", "-", "1", "1"]


def test_with_a_stand_in_for_runs_it_resumes_after_what_was_played(parcels, tmp_path, monkeypatch):
    played = []

    def play_span(_config, span, policy, _options):
        played.append((span, policy))
        return month(policy, span, 0.7)

    def play(*settings: str) -> list[PlayedSpan]:
        loaded = config.load(overrides=[f"run.root={tmp_path}", *settings], problem=parcels)
        return replay.play(loaded, Namespace(), Console(quiet=True))

    monkeypatch.setattr(replay, "play_span", play_span)
    assert len(play()) == 6
    months = json.loads((tmp_path / replay.FILE).read_text())
    (tmp_path / replay.FILE).write_text(json.dumps(months[:3]))
    played.clear()
    assert [each.model_dump() for each in play()] == months
    assert played == [("2024-03", policy) for policy in replay.POLICIES]
    with pytest.raises(BadConfig, match=r"replay\.json has spans that were played with other settings"):
        play("train.epochs=9")


@pytest.mark.parametrize("outcome", ["data_rejected", "failed"])
def test_with_a_stand_in_for_runs_a_month_is_run_with_its_policy_and_counts_if_it_was_decided_or_refused(
    parcels, tmp_path, monkeypatch, outcome
):
    ran = []

    def run(config, span, options, _stdout):
        ran.append((config.run.root, span, options.set))
        return Outcome(span=span, outcome=outcome, reason="why")

    monkeypatch.setattr(replay.retrain, "run", run)
    loaded = config.load(overrides=[f"run.root={tmp_path}"], problem=parcels)
    options = Namespace(set=["train.epochs=1"], problem=parcels)
    if outcome == "failed":
        with pytest.raises(CrosswindError, match=r"2024-02 under retrain_always came to no decision: why. See .*/logs"):
            replay.play_span(loaded, "2024-02", "retrain_always", options)
    else:
        found = replay.play_span(loaded, "2024-02", "retrain_always", options)
        assert (found.policy, found.outcome, found.served, found.published) == ("retrain_always", "data_rejected", {}, None)
    settings = ["train.epochs=1", "drift.policy=retrain_always", "problem.model=retrain_always"]
    assert ran == [(str(tmp_path), "2024-02", settings)]
