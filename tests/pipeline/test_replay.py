"""What the replay makes of its months; a whole replay is `make replay`."""

import json
from dataclasses import asdict

import pytest
from rich.console import Console

from components.shared.errors import BadConfig
from pipeline import config, replay
from pipeline.replay import PlayedMonth


def month(policy: str, span: str, auc: float | None, outcome: str = "published") -> PlayedMonth:
    log_loss = None if auc is None else 1 - auc
    return PlayedMonth(policy, span, "drifted", auc, log_loss, outcome, "", 1, 0.7, 60.0)


@pytest.fixture
def months() -> list[PlayedMonth]:
    """Retraining gains 0.1 on the mean; drift would have skipped a training that was of no use, and lost a tenth of it."""
    served = {"never_retrain": (0.6, 0.6), "retrain_always": (0.65, 0.75), "retrain_on_drift": (0.65, 0.73)}
    return [
        each
        for policy, (april, may) in served.items()
        for each in (
            month(policy, "2013-03", None),
            month(policy, "2013-04", april, "stable" if policy == "never_retrain" else "published"),
            month(policy, "2013-05", may, "not_blessed" if policy == "retrain_always" else "stable"),
        )
    ]


def shown(table) -> list[list[str]]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines() if line.split()]


def test_a_policy_keeps_a_share_of_the_gain_of_retraining(months):
    rows = {row[0]: row[1:] for row in shown(replay.totals_table(months)) if row[0] in replay.POLICIES}
    assert rows["never_retrain"] == ["0.6000", "0%", "0.4000", "0%", "1", "1"]
    assert rows["retrain_always"] == ["0.7000", "100%", "0.3000", "100%", "3", "2"]
    assert rows["retrain_on_drift"] == ["0.6900", "90%", "0.3100", "90%", "2", "2"]


def test_a_month_has_its_line(months):
    rows = shown(replay.months_table("retrain_always", [each for each in months if each.policy == "retrain_always"]))
    assert rows[-1] == ["2013-05", "drifted", "0.7500", "0.2500", "0.7000", "60", "not", "blessed"]
    assert rows[-3] == ["2013-03", "drifted", "-", "-", "0.7000", "60", "version", "1"]


def test_with_a_stand_in_for_runs_it_goes_on_behind_what_was_played(parcels, tmp_path, monkeypatch):
    played = []

    def play_month(_root, span, policy, _settings):
        played.append((span, policy))
        return month(policy, span, 0.7)

    monkeypatch.setattr(replay, "play_month", play_month)
    settings, console = ["train.epochs=1"], Console(quiet=True)
    assert len(replay.play(tmp_path, config.load(overrides=settings, problem=parcels), [], console)) == 6
    months = json.loads((tmp_path / replay.FILE).read_text())
    (tmp_path / replay.FILE).write_text(json.dumps(months[:3]))
    played.clear()
    assert [
        asdict(each) for each in replay.play(tmp_path, config.load(overrides=settings, problem=parcels), [], console)
    ] == months
    assert played == [("2024-03", policy) for policy in replay.POLICIES]
    with pytest.raises(BadConfig, match=r"replay\.json has months that were played with other settings"):
        replay.play(tmp_path, config.load(overrides=["train.epochs=9"], problem=parcels), [], console)
