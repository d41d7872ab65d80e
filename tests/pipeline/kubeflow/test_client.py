"""KFP's own client against a stub of KFP's API: what is sent, and what is made of the answers."""

import socket
import time

import kfp
import pytest

from components.errors import BadConfig, KubeflowFailed
from pipeline.kubeflow import client as kubeflow
from pipeline.kubeflow.settings import Kubeflow
from tests.pipeline.kubeflow.api_stub import Api, api_server
from tests.pipeline.kubeflow.packages import kubeflow_settings

VARIABLES = ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_UI_ENDPOINT", "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH")


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch, tmp_path):
    """Neither this user's context of KFP nor this shell's variables."""
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api():
    with api_server() as server:
        yield server


def at(api: Api, **changes: object) -> Kubeflow:
    return kubeflow_settings(host=api.address, **changes)


@pytest.fixture
def package(tmp_path):
    """For the client, a file as any."""
    path = tmp_path / "pipeline.yaml"
    path.write_text("pipelineInfo: {name: crosswind}\n")
    return path


def uploaded(api: Api, package, version: str = "abc of 123", **changes: object) -> tuple[str, str]:
    stated = at(api, **changes)
    with kubeflow.connected(stated) as client:
        return kubeflow.upload(client, stated, package, "crosswind", version)


def test_the_first_upload_makes_the_pipeline_and_its_version(api, package):
    pipeline_id, version_id = uploaded(api, package)
    [pipeline] = api.pipelines
    assert (pipeline["display_name"], pipeline["pipeline_id"]) == ("crosswind", pipeline_id)
    [request] = api.sent("POST", "pipelines/upload")
    assert request.query == {"name": "crosswind", "namespace": "kubeflow"}
    [request] = api.sent("POST", "pipelines/upload_version")
    assert request.query == {"name": "abc of 123", "pipelineid": pipeline_id}
    assert request.body == package.read_text()
    assert api.versions[-1]["pipeline_version_id"] == version_id


def test_the_same_version_is_uploaded_once(api, package):
    first = uploaded(api, package)
    before = len(api.versions)
    assert uploaded(api, package) == first
    assert len(api.versions) == before
    assert len(api.sent("POST", "pipelines/upload_version")) == 1


def test_a_changed_package_is_a_new_version_of_the_same_pipeline(api, package):
    pipeline_id, first = uploaded(api, package)
    again_id, second = uploaded(api, package, "def of 123")
    assert again_id == pipeline_id
    assert second != first
    assert len(api.sent("POST", "pipelines/upload")) == 1


def test_in_multi_user_mode_the_profile_is_asked_in(package):
    with api_server(multi_user=True) as api:
        first = uploaded(api, package, namespace="alice")
        assert uploaded(api, package, namespace="alice") == first
        assert {each.query["namespace"] for each in api.sent("GET", "pipelines")} == {"alice"}
        assert api.pipelines[0]["namespace"] == "alice"


def started(api: Api, span: str = "newest") -> str:
    with kubeflow.connected(at(api)) as client:
        return kubeflow.run(client, at(api), ("pipeline-1", "version-2"), "crosswind now", span)


def test_a_run_has_its_version_span_root_and_experiment(api):
    run_id = started(api, "2013-07")
    [experiment] = api.experiments
    assert experiment["display_name"] == "crosswind"
    [request] = api.sent("POST", "runs")
    assert request.body == {
        "experiment_id": experiment["experiment_id"],
        "display_name": "crosswind now",
        "pipeline_version_reference": {"pipeline_id": "pipeline-1", "pipeline_version_id": "version-2"},
        "runtime_config": {"parameters": {"span": "2013-07"}, "pipeline_root": "gs://my-bucket/pipelines"},
    }
    assert api.runs[0]["run_id"] == run_id


def test_a_second_run_is_in_the_same_experiment(api):
    assert started(api) != started(api)
    assert len(api.experiments) == 1
    assert {run["experiment_id"] for run in api.runs} == {api.experiments[0]["experiment_id"]}


def waited(api: Api, *states: str, hours: float = 1) -> None:
    run_id = started(api)
    api.states = list(states)
    with kubeflow.connected(at(api)) as client:
        kubeflow.wait(client, run_id, hours, seconds_between=0.01)


def test_a_run_is_waited_for(api):
    waited(api, "PENDING", "RUNNING", "RUNNING", "SUCCEEDED")
    assert len([each for each in api.requests if each.path.startswith("runs/")]) == 4


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "SKIPPED"])
def test_a_run_that_does_not_succeed_is_an_error(api, state):
    with pytest.raises(KubeflowFailed, match=rf"Run run-\d+ ended as {state}"):
        waited(api, "RUNNING", "CANCELING", state)


def test_a_run_that_does_not_end_is_an_error(api):
    with pytest.raises(KubeflowFailed, match=r"Run run-\d+ is RUNNING after 0 hours; expected its end"):
        waited(api, "RUNNING", hours=0)


def scheduled(api: Api, name: str = "crosswind", cron: str = "0 0 3 * * *", **changes: object) -> tuple[str, int]:
    with kubeflow.connected(at(api, **changes)) as client:
        return kubeflow.schedule(client, at(api, **changes), ("pipeline-1", "version-2"), name, cron)


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


def test_a_new_schedule_is_made_before_the_old_of_its_name_go_and_others_stay(api):
    """Five of them: the stub gives two at once."""
    others = [scheduled(api, name)[0] for name in ("a", "b", "c")]
    scheduled(api)
    elsewhere = scheduled(api, experiment="other")[0]
    new, replaced = scheduled(api, cron="0 30 4 * * 1")
    assert replaced == 1
    left = [each["recurring_run_id"] for each in api.recurring]
    assert left == [*others, elsewhere, new]
    changes = [each.method for each in api.requests if each.path.startswith("recurringruns") and each.method != "GET"]
    assert changes[-2:] == ["POST", "DELETE"]


def test_a_schedule_that_cannot_be_made_leaves_the_old_one(api):
    old, _ = scheduled(api)
    api.broken["POST recurringruns"] = (500, "application/json", '{"code": 13, "message": "Internal Server Error"}')
    with pytest.raises(KubeflowFailed, match="said 500"):
        scheduled(api)
    assert [each["recurring_run_id"] for each in api.recurring] == [old]


def test_unschedule_takes_out_the_name_alone(api):
    other, _ = scheduled(api, "other")
    scheduled(api)
    with kubeflow.connected(at(api)) as client:
        assert kubeflow.unschedule(client, at(api), "crosswind") == 1
        assert kubeflow.unschedule(client, at(api), "crosswind") == 0
    assert [each["recurring_run_id"] for each in api.recurring] == [other]


@pytest.mark.parametrize("expression", ["0 3 * * *", "", "@daily", "0 0 3 * * * 2013"])
def test_a_cron_expression_without_six_fields_is_refused_and_nothing_is_asked(api, expression):
    with kubeflow.connected(at(api)) as client:
        before = len(api.requests)
        with pytest.raises(BadConfig, match=r"expected six: second, minute, hour.*the third minute of every hour"):
            kubeflow.schedule(client, at(api), ("p", "v"), "crosswind", kubeflow.check_cron(expression))
        assert len(api.requests) == before


def test_the_token_of_the_environment_is_sent(api, package, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "secret")
    uploaded(api, package)
    assert {each.authorization for each in api.requests} == {"Bearer secret"}


def test_the_token_of_a_mounted_file_is_sent_and_read_anew(api, monkeypatch, tmp_path):
    """The kubelet replaces it."""
    token = tmp_path / "token"
    token.write_text("first\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    with kubeflow.connected(at(api)) as client:
        token.write_text("second\n")
        kubeflow.run(client, at(api), ("p", "v"), "name", "newest")
    assert api.requests[0].authorization == "Bearer first"
    assert api.sent("POST", "runs")[0].authorization == "Bearer second"


def test_without_a_token_none_is_sent(api):
    started(api)
    assert {each.authorization for each in api.requests} == {None}


def test_a_token_file_that_is_not_there_is_named(api, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/none/token")
    with pytest.raises(BadConfig, match=r"KF_PIPELINES_SA_TOKEN_PATH = /none/token, which cannot be read"):
        started(api)


def test_the_host_may_be_the_environments(api, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.address)
    with kubeflow.connected(kubeflow_settings(host="")) as client:
        assert client.get_kfp_healthz().multi_user is False


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("application/json", '{"error": "no", "code": 7, "message": "alice may not list pipelines"}', "alice may not list"),
        ("application/json", '{"error_message": "alice may not upload"}', "alice may not upload"),
        ("application/json", '["no"]', "no"),
        ("text/plain", "RBAC: access denied", "RBAC: access denied"),
    ],
)
def test_a_refusal_says_who_said_what(api, package, content_type, body, said):
    api.broken["GET pipelines"] = (403, content_type, body)
    with pytest.raises(KubeflowFailed, match=f"{api.address} said 403 Forbidden: .*{said}"):
        uploaded(api, package)


def test_an_api_that_is_not_well_is_an_error_after_five_questions(api, package, monkeypatch):
    api.broken["GET healthz"] = (403, "text/plain", "RBAC: access denied")
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the client waits for 5 seconds each time
    with pytest.raises(KubeflowFailed, match=r"answers with errors, logged above: Failed getting healthz.*KF_PIPELINES_TOKEN"):
        uploaded(api, package)
    assert len(api.requests) == 5


@pytest.mark.parametrize("verb", [uploaded, lambda api, _: started(api), lambda api, _: scheduled(api)])
def test_a_login_page_is_not_taken_for_an_empty_answer(api, package, verb):
    api.broken[""] = (200, "text/html", "<html>Log in</html>")
    with pytest.raises(KubeflowFailed, match="has no id; expected its API, and not a login page"):
        verb(api, package)


def test_where_nothing_answers_it_is_said_what_was_expected(package):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
        with (
            pytest.raises(KubeflowFailed, match=f"{host} does not answer.*Connection refused.*kubectl port-forward"),
            kubeflow.connected(kubeflow_settings(host=host)),
        ):
            pass


def test_nothing_is_written_to_the_users_context(api, package, tmp_path):
    uploaded(api, package, namespace="alice")
    assert not (tmp_path / "context.json").exists()
