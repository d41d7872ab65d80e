"""Runs on a stub of KFP's API, by KFP's own client."""

import kfp
import pytest

from components.shared.errors import Exit, KubeflowBusy, KubeflowFailed, exit_code
from pipeline.kubeflow import client as kubeflow
from pipeline.kubeflow import runs
from tests.pipeline.kubeflow.api_stub import Api, api_server
from tests.pipeline.kubeflow.clock import Clock
from tests.pipeline.kubeflow.packages import at

JSON = "application/json"
HOURS = 12.0


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runs, "time", clock)
    return clock


def started(api: Api, span: str = "newest", **changes: object) -> str:
    stated = at(api, **changes)
    with kubeflow.connected(stated) as client:
        return runs.start(client, stated, ("pipeline-1", "version-2"), "crosswind now", span)


def test_a_run_has_its_version_span_root_and_experiment(api):
    run_id = started(api, "2024-02")
    [experiment] = api.experiments
    assert (experiment["display_name"], experiment["namespace"]) == ("crosswind", "kubeflow")
    [request] = api.sent("POST", "runs")
    assert request.body == {
        "experiment_id": experiment["experiment_id"],
        "display_name": "crosswind now",
        "pipeline_version_reference": {"pipeline_id": "pipeline-1", "pipeline_version_id": "version-2"},
        "runtime_config": {"parameters": {"span": "2024-02"}, "pipeline_root": "gs://my-bucket/pipelines"},
    }
    assert api.runs[0]["run_id"] == run_id


def test_a_second_run_is_in_the_same_experiment(api):
    assert started(api) != started(api)
    assert len(api.experiments) == 1
    assert {run["experiment_id"] for run in api.runs} == {api.experiments[0]["experiment_id"]}


@pytest.mark.parametrize("namespace", ["alice", "kubeflow"])
def test_in_multi_user_mode_the_experiment_is_of_the_settings_namespace(monkeypatch, tmp_path, namespace):
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with api_server(multi_user=True) as api:
        assert started(api, namespace=namespace) != started(api, namespace=namespace)
        assert [each["namespace"] for each in api.experiments] == [namespace]


def test_a_run_beside_another_of_the_pipeline_is_refused_by_name(api):
    with kubeflow.connected(at(api)) as client:
        runs.check_alone(client, at(api), "pipeline-1")
        others = [started(api) for _ in range(3)]
        api.runs[0]["state"] = "SUCCEEDED"
        with pytest.raises(KubeflowBusy) as caught:
            runs.check_alone(client, at(api), "pipeline-1")
        runs.check_alone(client, at(api), "of somebody else")
    for run_id in others[1:]:
        assert f"crosswind now ({run_id}, PENDING)" in str(caught.value)
    assert others[0] not in str(caught.value)
    assert exit_code(caught.value) == Exit.BUSY


def waited(api: Api, *states: str, hours: float = HOURS) -> tuple[str, list[str]]:
    """How a run ended, and what was said meanwhile."""
    run_id, said = started(api), []
    api.states = list(states)
    with kubeflow.connected(at(api)) as client:
        return runs.wait(client, at(api), run_id, hours, said.append).state, said


@pytest.mark.parametrize("end", runs.ENDED)
def test_a_run_is_waited_for_whatever_its_end(api, clock, end):
    assert waited(api, "PENDING", "RUNNING", "CANCELING", end) == (end, [])
    assert clock.waited == [10, 10, 10]


def test_a_run_that_does_not_end_is_an_error_that_says_where_to_see_it(api, clock):
    said = r"Run run-\d+ was RUNNING when last seen, after 0\.1 hours of waiting; expected its end. It continues. See it at "
    with pytest.raises(
        KubeflowFailed, match=said + r"#/runs/details/run-\d+ .* `kubectl get workflow .*pipeline/runid=run-\d+`"
    ):
        waited(api, "RUNNING", hours=0.1)
    assert sum(clock.waited) == pytest.approx(360)


@pytest.mark.parametrize(
    "answer",
    [
        (500, JSON, '{"message": "Internal Server Error"}'),
        (502, "text/html", "<html>Bad Gateway</html>"),
        (503, "text/plain", "upstream connect error"),
        (429, JSON, "{}"),
        (200, "text/html", "<html>Log in</html>"),
    ],
)
def test_an_outage_is_told_once_and_outlasted_with_growing_pauses(api, clock, answer):
    run_id, said = started(api), []
    api.states = ["RUNNING", "SUCCEEDED"]
    api.outages["GET runs/"] = [answer] * 7
    with kubeflow.connected(at(api)) as client:
        assert runs.wait(client, at(api), run_id, HOURS, said.append).state == "SUCCEEDED"
    assert clock.waited == [20, 40, 80, 160, 300, 300, 300, 10]
    assert [line.partition(":")[0] for line in said] == [
        "Kubeflow Pipelines does not answer",
        "Kubeflow Pipelines answers again",
    ]


def test_a_server_that_is_gone_for_a_while_is_outlasted(api, clock):
    """Its port is closed: connections are refused."""
    run_id = started(api)
    said: list[str] = []

    def restarted(text: str) -> None:
        said.append(text)
        if len(said) == 1:
            api.start()

    with kubeflow.connected(at(api)) as client:
        api.stop()
        assert runs.wait(client, at(api), run_id, HOURS, restarted).state == "SUCCEEDED"
    assert "Connection refused" in said[0]


def test_an_outage_without_an_end_names_run_and_trouble(api, clock):
    run_id = started(api)
    api.broken["GET runs/"] = (503, "text/plain", "no healthy upstream")
    with kubeflow.connected(at(api)) as client, pytest.raises(KubeflowFailed) as caught:
        runs.wait(client, at(api), run_id, 1, lambda _: None)
    assert f"Run {run_id} was not known when last seen, after 1 hours of waiting" in str(caught.value)
    assert "nothing answers now: it said 503 Service Unavailable: no healthy upstream." in str(caught.value)
    assert f"#/runs/details/{run_id}" in str(caught.value)
    assert sum(clock.waited) == pytest.approx(3600)


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_a_refusal_that_does_not_pass_ends_the_waiting_and_names_the_run(api, clock, status):
    run_id = started(api)
    api.broken["GET runs/"] = (status, JSON, '{"message": "no such thing"}')
    with kubeflow.connected(at(api)) as client, pytest.raises(KubeflowFailed) as caught:
        runs.wait(client, at(api), run_id, HOURS, lambda _: None)
    assert f"Run {run_id}, not known when last seen, cannot be followed: it said {status} " in str(caught.value)
    assert "no such thing. Expected " in str(caught.value)
    assert clock.waited == []


def test_a_token_that_has_expired_is_read_again(api, clock, monkeypatch, tmp_path):
    token = tmp_path / "token"
    token.write_text("old")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    run_id = started(api)
    api.outages["GET runs/"] = [(401, JSON, '{"message": "the token has expired"}')] * 2
    said: list[str] = []

    def renewed(text: str) -> None:
        said.append(text)
        token.write_text("new")

    with kubeflow.connected(at(api)) as client:
        assert runs.wait(client, at(api), run_id, HOURS, renewed).state == "SUCCEEDED"
    assert "the token has expired" in said[0]
    assert [each.authorization for each in api.requests[-3:]] == ["Bearer old", "Bearer new", "Bearer new"]


TASKS = ["data-gate", "transform", "publisher", "published", "run-report", "closing-report"]
QUIET = {"data-gate": "SUCCEEDED", "transform": "SKIPPED", "published": "RUNTIME_STATE_UNSPECIFIED"}


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ({"transform": "SUCCEEDED", "published": "SUCCEEDED"}, "A new model was published. "),
        ({"transform": "SUCCEEDED", "published": "SKIPPED"}, "Nothing new was published: the candidate was refused, or is in "),
        (QUIET, "Nothing was trained: no check of drift.retrain_on fired, and the model in production stays. "),
        ({}, "It succeeded. "),
    ],
)
def test_what_came_of_a_run_is_said_by_its_tasks_states(api, tasks, said):
    run_id = started(api)
    api.tasks = tasks
    with kubeflow.connected(at(api)) as client:
        text = runs.ending(runs.look_at(client, run_id), at(api), TASKS)
    assert text.startswith(said)
    assert text.endswith(f"Its page: /mnt/crosswind/reports/{run_id}/index.html on the volume crosswind.")


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "SKIPPED"])
def test_a_run_that_does_not_succeed_is_an_error_that_names_the_tasks(api, state):
    run_id = started(api)
    api.states, api.tasks = [state], {"root": "FAILED", "executor": "FAILED", "data-gate": "FAILED", "transform": "PENDING"}
    with kubeflow.connected(at(api)) as client, pytest.raises(KubeflowFailed) as caught:
        runs.ending(runs.look_at(client, run_id), at(api), TASKS)
    assert f"Run {run_id} ended as {state} in data-gate; expected SUCCEEDED." in str(caught.value)
