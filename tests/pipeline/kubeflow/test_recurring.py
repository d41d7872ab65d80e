"""Schedules on a stub of KFP's API, by KFP's own client."""

import kfp
import pytest

from components.shared.errors import BadConfig, Exit, KubeflowBusy, KubeflowFailed, exit_code
from pipeline.kubeflow import client as kubeflow
from pipeline.kubeflow import recurring, runs
from pipeline.kubeflow.recurring import Meanwhile, Schedules
from tests.pipeline.kubeflow.api_stub import Api, api_server
from tests.pipeline.kubeflow.clock import Clock
from tests.pipeline.kubeflow.packages import at


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runs, "time", clock)
    monkeypatch.setattr(recurring, "time", clock)
    return clock


def scheduled(
    api: Api, name: str = "crosswind", cron: str = "0 0 3 * * *", meanwhile: Meanwhile = "refuse", **changes: object
) -> tuple[str, int]:
    with kubeflow.connected(at(api, **changes)) as client:
        schedules = Schedules(client, at(api, **changes), meanwhile, 12, lambda _: None)
        return schedules.make(("pipeline-1", "version-2"), name, cron)


def removed(api: Api, meanwhile: Meanwhile = "refuse", said: list[str] | None = None) -> int:
    with kubeflow.connected(at(api)) as client:
        return Schedules(client, at(api), meanwhile, 12, (said if said is not None else []).append).remove("crosswind")


def test_a_schedule_runs_one_at_a_time_and_makes_up_for_nothing(api):
    recurring_run_id, replaced = scheduled(api)
    assert replaced == 0
    [request] = api.sent("POST", "recurringruns")
    assert request.body == {
        "experiment_id": api.experiments[0]["experiment_id"],
        "display_name": "crosswind",
        "mode": "ENABLE",
        "trigger": {"cron_schedule": {"cron": "0 0 3 * * *"}},
        "max_concurrency": 1,
        "no_catchup": True,
        "pipeline_version_reference": {"pipeline_id": "pipeline-1", "pipeline_version_id": "version-2"},
        "runtime_config": {"parameters": {}, "pipeline_root": "gs://my-bucket/pipelines"},
    }
    assert api.recurring[0]["recurring_run_id"] == recurring_run_id


@pytest.mark.parametrize("namespace", ["alice", "kubeflow"])
def test_in_multi_user_mode_a_schedule_is_made_and_replaced_in_the_settings_namespace(monkeypatch, tmp_path, namespace):
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with api_server(multi_user=True) as api:
        scheduled(api, namespace=namespace)
        assert scheduled(api, namespace=namespace)[1] == 1
        assert [each["namespace"] for each in api.experiments] == [namespace]


def test_a_new_schedule_is_made_before_the_old_of_its_name_go_and_others_stay(api):
    """Five of them: the stub gives two at once."""
    others = [scheduled(api, name)[0] for name in ("a", "b", "c")]
    old, _ = scheduled(api)
    elsewhere = scheduled(api, experiment="other")[0]
    new, replaced = scheduled(api, cron="0 30 4 * * 1")
    assert replaced == 1
    left = [each["recurring_run_id"] for each in api.recurring]
    assert left == [*others, elsewhere, new]
    assert {each["status"] for each in api.recurring} == {"ENABLED"}
    changes = [
        (each.method, each.path) for each in api.requests if each.path.startswith("recurringruns") and each.method != "GET"
    ]
    off = ("POST", f"recurringruns/{old}:disable")
    assert changes[-3:] == [off, ("POST", "recurringruns"), ("DELETE", f"recurringruns/{old}")]


def test_the_runs_that_a_schedule_has_made_keep_their_workflows(api):
    """Kubernetes would delete them, with pods and logs, and those of a run that began between look and deletion."""
    old, _ = scheduled(api)
    api.tick(old)["state"] = "SUCCEEDED"
    scheduled(api)
    [request] = [each for each in api.requests if each.method == "DELETE"]
    assert request.query == {"propagation_policy": "ORPHAN"}


@pytest.mark.parametrize("change", [scheduled, removed])
def test_a_run_under_way_is_named_and_nothing_is_changed(api, change):
    old, _ = scheduled(api)
    run = api.tick(old)
    with pytest.raises(KubeflowBusy) as caught:
        change(api)
    assert f"The schedule's run {run['display_name']} ({run['run_id']}, RUNNING) is under way" in str(caught.value)
    assert "--wait" in str(caught.value) and "--now" in str(caught.value)
    assert exit_code(caught.value) == Exit.BUSY
    [left] = api.recurring
    assert (left["recurring_run_id"], left["status"]) == (old, "ENABLED")
    assert api.killed == []


def test_a_schedule_that_was_off_stays_off(api):
    old, _ = scheduled(api)
    api.tick(old)
    api.recurring[0]["status"] = "DISABLED"
    with pytest.raises(KubeflowBusy):
        removed(api)
    assert api.recurring[0]["status"] == "DISABLED"


def test_a_run_by_hand_is_not_in_the_way(api):
    scheduled(api)
    with kubeflow.connected(at(api)) as client:
        runs.start(client, at(api), ("pipeline-1", "version-2"), "by hand", "newest")
    assert removed(api) == 1


def test_a_run_that_begins_while_the_schedule_is_turned_off_is_seen(api, clock, monkeypatch):
    """KFP's controller may not have heard yet."""
    old, _ = scheduled(api)

    def late(seconds: float) -> None:
        clock.waited.append(seconds)
        api.recurring[0]["status"] = "ENABLED"
        api.tick(old)

    monkeypatch.setattr(clock, "sleep", late)
    with pytest.raises(KubeflowBusy):
        removed(api)
    assert clock.waited == [recurring.SETTLES]


def test_wait_waits_and_then_replaces(api, clock):
    old, _ = scheduled(api)
    api.tick(old)
    api.states = ["RUNNING", "RUNNING", "FAILED"]
    new, replaced = scheduled(api, meanwhile="wait")
    assert replaced == 1
    assert [each["recurring_run_id"] for each in api.recurring] == [new]
    assert api.killed == []
    assert api.runs[0]["state"] == "FAILED"
    assert clock.waited == [recurring.SETTLES, 10, 10]


def test_now_ends_the_run_as_a_person_does_and_kfp_knows(api):
    old, _ = scheduled(api)
    run = api.tick(old)
    said: list[str] = []
    assert removed(api, "now", said) == 1
    assert api.recurring == []
    assert (run["state"], api.killed) == ("CANCELED", [])
    assert said == [
        f"Ending the run {run['display_name']} ({run['run_id']}, RUNNING); the schedule is off meanwhile.",
        "It ended as CANCELED.",
    ]


def test_a_run_that_does_not_end_when_told_to_keeps_its_schedule(api, clock):
    old, _ = scheduled(api)
    api.tick(old)
    api.ends = False
    with pytest.raises(KubeflowFailed, match="was CANCELING when last seen"):
        removed(api, "now")
    assert api.recurring[0]["status"] == "ENABLED"
    assert sum(clock.waited) == pytest.approx(recurring.SETTLES + recurring.ENDS)


def test_whoever_loses_patience_leaves_the_schedule_as_it_was(api, clock, monkeypatch):
    old, _ = scheduled(api)
    api.tick(old)
    api.states = ["RUNNING"]

    def interrupted(seconds: float) -> None:
        if seconds != recurring.SETTLES:
            raise KeyboardInterrupt

    monkeypatch.setattr(clock, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        removed(api, "wait")
    assert api.recurring[0]["status"] == "ENABLED"


def test_a_schedule_that_cannot_be_made_leaves_the_old_one(api):
    old, _ = scheduled(api)
    api.broken["POST recurringruns"] = (500, "application/json", '{"code": 13, "message": "Internal Server Error"}')
    with pytest.raises(KubeflowFailed, match="said 500"):
        scheduled(api, "other")
    del api.broken["POST recurringruns"]
    api.refuses_new = True
    with pytest.raises(KubeflowFailed, match="said 500"):
        scheduled(api)
    assert [(each["recurring_run_id"], each["status"]) for each in api.recurring] == [(old, "ENABLED")]


def test_remove_takes_out_the_name_alone(api):
    other, _ = scheduled(api, "other")
    scheduled(api)
    assert removed(api) == 1
    assert removed(api) == 0
    assert [each["recurring_run_id"] for each in api.recurring] == [other]


@pytest.mark.parametrize("expression", ["0 3 * * *", "", "@daily", "0 0 3 * * * 2013", "TZ=UTC 0 0 3 * * *"])
def test_a_cron_expression_without_six_fields_is_refused(expression):
    with pytest.raises(BadConfig, match=r"expected six: second, minute, hour.*the third minute of every hour"):
        recurring.check_cron(expression)


# What github.com/robfig/cron 1.2.0, which KFP has, says of each at 2026-11-30 06:00: due, never, or an error.
DUE = ["0 0 3 * * *", "0 0 3 31 2 1", "0 0 3 31 feb mon", "0 0 3 31 4,5 *", "0 0 3 29 2 *", "0 0 3 */2 2 1", "0 0 3 1 * SUN"]
DUE += ["0 0 3 ? * MON-FRI", "*/15 * * * * *", "0/20 * * * * *", "0 0 3 */31 2 *", "0 0 3 * * 0-6"]
NEVER = [
    "0 0 3 31 2 *",
    "0 0 3 31 2 ?",
    "0 0 3 31 2 */2",
    "0 0 3 30 2 *",
    "0 0 3 31 4,6 *",
    "0 0 3 31 FEB *",
    "0 0 3 31-31 2 *",
]
ERROR = ["0 0 3 1 * 7", "0 0 3 1 * 1-7", "0 0 3 L * *", "0 0 3 ? * 1#2", "60 0 3 * * *", "0 0 3 5-3 * *", "0 0 3 x * *"]


@pytest.mark.parametrize("expression", DUE)
def test_what_is_due_for_kfp_is_taken(expression):
    assert recurring.check_cron(expression) == expression


@pytest.mark.parametrize("expression", NEVER)
def test_what_is_never_due_for_kfp_is_refused(expression):
    with pytest.raises(BadConfig, match="is never due; expected a time that comes"):
        recurring.check_cron(expression)


@pytest.mark.parametrize("expression", ERROR)
def test_what_kfp_does_not_read_is_refused(expression):
    with pytest.raises(BadConfig, match=r"that KFP reads; expected|is never due"):
        recurring.check_cron(expression)
