"""KFP's own client against a stub of KFP's API: what is sent, and what is made of the answers."""

import socket
import time

import kfp
import pytest

from components.shared.errors import BadConfig, KubeflowFailed
from pipeline.kubeflow import client as kubeflow
from pipeline.kubeflow import runs
from tests.pipeline.kubeflow.api_stub import Api, api_server
from tests.pipeline.kubeflow.packages import at, kubeflow_settings


@pytest.fixture
def file(tmp_path):
    """For the client, a package as any."""
    path = tmp_path / "pipeline.yaml"
    path.write_text("pipelineInfo: {name: crosswind}\n")
    return path


def uploaded(api: Api, file, version: str = "crosswind-abc-123", **changes: object) -> tuple[str, str]:
    stated = at(api, **changes)
    with kubeflow.connected(stated) as client:
        return kubeflow.upload(client, stated, file, "crosswind", version)


def test_the_first_upload_makes_the_pipeline_and_its_version(api, file):
    pipeline_id, version_id = uploaded(api, file)
    [pipeline] = api.pipelines
    assert (pipeline["display_name"], pipeline["pipeline_id"]) == ("crosswind", pipeline_id)
    [request] = api.sent("POST", "pipelines/upload")
    assert request.query == {"name": "crosswind", "namespace": "kubeflow"}
    [request] = api.sent("POST", "pipelines/upload_version")
    assert request.query == {"name": "crosswind-abc-123", "pipelineid": pipeline_id}
    assert request.body == file.read_text()
    assert api.versions[-1]["pipeline_version_id"] == version_id


def test_the_same_version_is_uploaded_once(api, file):
    first = uploaded(api, file)
    before = len(api.versions)
    assert uploaded(api, file) == first
    assert len(api.versions) == before
    assert len(api.sent("POST", "pipelines/upload_version")) == 1


def test_a_changed_package_is_a_new_version_of_the_same_pipeline(api, file):
    pipeline_id, first = uploaded(api, file)
    again_id, second = uploaded(api, file, "crosswind-def-123")
    assert again_id == pipeline_id
    assert second != first
    assert len(api.sent("POST", "pipelines/upload")) == 1


@pytest.mark.parametrize("namespace", ["alice", "kubeflow"])
def test_in_multi_user_mode_the_profile_is_asked_in(file, monkeypatch, tmp_path, namespace):
    """Also when it has the name of KFP's own default, which KFP's client takes for none."""
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with api_server(multi_user=True) as api:
        first = uploaded(api, file, namespace=namespace)
        assert uploaded(api, file, namespace=namespace) == first
        assert {each.query["namespace"] for each in api.sent("GET", "pipelines")} == {namespace}
        assert api.pipelines[0]["namespace"] == namespace


def test_a_name_that_is_none_of_dns_is_refused_where_kubernetes_keeps_pipelines(file):
    with api_server(pipelines_in_kubernetes=True) as api:
        uploaded(api, file)
        with pytest.raises(KubeflowFailed, match=r"said 500 .*: Failed to create a pipeline version\. .*kubectl logs"):
            uploaded(api, file, "abc of 123")


def test_the_token_of_the_environment_is_sent(api, file, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "secret")
    uploaded(api, file)
    assert {each.authorization for each in api.requests} == {"Bearer secret"}


def test_the_token_of_a_mounted_file_is_sent_and_read_anew(api, monkeypatch, tmp_path):
    """The kubelet replaces it."""
    token = tmp_path / "token"
    token.write_text("first\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    with kubeflow.connected(at(api)) as client:
        token.write_text("second\n")
        runs.start(client, at(api), ("p", "v"), "name", "newest")
    assert api.requests[0].authorization == "Bearer first"
    assert api.sent("POST", "runs")[0].authorization == "Bearer second"


def test_without_a_token_none_is_sent(api, file):
    uploaded(api, file)
    assert {each.authorization for each in api.requests} == {None}


def test_a_token_file_that_is_not_there_is_named(api, file, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/none/token")
    with pytest.raises(BadConfig, match=r"KF_PIPELINES_SA_TOKEN_PATH = /none/token, which cannot be read"):
        uploaded(api, file)


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
def test_a_refusal_says_who_said_what(api, file, content_type, body, said):
    api.broken["GET pipelines"] = (403, content_type, body)
    with pytest.raises(KubeflowFailed, match=f"{api.address} said 403 Forbidden: .*{said}"):
        uploaded(api, file)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, "namespace and experiment first"), (401, "a token that is valid"), (403, "or grant it"), (404, "kubeflow.host")],
)
def test_a_refusal_says_what_to_do(api, file, status, advice):
    api.broken["GET pipelines"] = (status, "application/json", '{"message": "no"}')
    with pytest.raises(KubeflowFailed, match=f"said {status} .*: no. Expected .*{advice}"):
        uploaded(api, file)


def test_an_api_that_is_not_well_is_an_error_after_five_questions(api, file, monkeypatch):
    api.broken["GET healthz"] = (403, "text/plain", "RBAC: access denied")
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the client waits for 5 seconds each time
    with pytest.raises(KubeflowFailed, match=r"answers with errors, logged above: Failed getting healthz.*KF_PIPELINES_TOKEN"):
        uploaded(api, file)
    assert len(api.requests) == 5


def test_a_login_page_is_not_taken_for_an_empty_answer(api, file):
    api.broken[""] = (200, "text/html", "<html>Log in</html>")
    with pytest.raises(KubeflowFailed, match="has no id; expected its API, and not a login page"):
        uploaded(api, file)
    with (
        pytest.raises(KubeflowFailed, match="has no id; expected its API, and not a login page"),
        kubeflow.connected(at(api)) as client,
    ):
        runs.experiment(client, at(api))


def test_where_nothing_answers_it_is_said_what_was_expected(file):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
        with (
            pytest.raises(KubeflowFailed, match=f"{host} does not answer.*Connection refused.*kubectl port-forward"),
            kubeflow.connected(kubeflow_settings(host=host)),
        ):
            pass


def test_nothing_is_written_to_the_users_context(api, file, tmp_path):
    uploaded(api, file, namespace="alice")
    assert not (tmp_path / "context.json").exists()
