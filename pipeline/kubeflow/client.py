"""KFP's API: the connection to it, what its errors mean, and uploads."""

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.shared import network
from components.shared.errors import BadConfig, KubeflowFailed
from pipeline.shared.kubeflow import Kubeflow

if TYPE_CHECKING:  # it takes two seconds
    from kfp import Client
    from kfp_server_api import ApiException

TOKEN, TOKEN_FILE = "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH"
ADVICE = {  # by HTTP status
    400: "Expected a request that it takes: look at [kubeflow] of the configuration, its namespace and experiment first.",
    401: f"Expected a token that is valid: give one in {TOKEN}, or the file of one in {TOKEN_FILE}.",
    403: f"Expected the right to do so in this namespace: give another token in {TOKEN} or {TOKEN_FILE}, or grant it, as "
    "pipeline/kubeflow/gke/overlays/cronjob/access.yaml does.",
    404: "Expected KFP's API, version 2, and what was asked for: look at kubeflow.host.",
}
OTHERWISE = "Expected an answer: look at its log, `kubectl logs -n kubeflow deploy/ml-pipeline`, and try again."


@contextmanager
def connected(settings: Kubeflow) -> Iterator["Client"]:
    """Connect to KFP: at `kubeflow.host` or KF_PIPELINES_ENDPOINT, else in a pod at its own cluster, else as kubectl does.

    Raises:
        BadConfig: the token's file cannot be read.
        KubeflowFailed: the API does not answer or says no, here or in the block.
    """
    from kfp.client import Client, ServiceAccountTokenVolumeCredentials  # noqa: PLC0415
    from kfp_server_api import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    token_file = os.environ.get(TOKEN_FILE)
    if token_file and not os.access(token_file, os.R_OK):
        raise BadConfig(
            f"{TOKEN_FILE} = {token_file}, which cannot be read; expected the file of a service account's token. Mount it."
        )
    host = settings.host or os.environ.get("KF_PIPELINES_ENDPOINT")
    where = host or "the cluster that this runs in, or kubectl's"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "only works with KFP 2"
            mounted = ServiceAccountTokenVolumeCredentials() if token_file else None
            token = os.environ.get(TOKEN)
            proxy, _ = (host and network.proxy(host)) or (None, "")  # which it does not look for itself
            yield Client(host=host, namespace=settings.namespace, existing_token=token, credentials=mounted, proxy=proxy)
    except TimeoutError as error:  # of the client, which has asked for the API's health five times
        raise KubeflowFailed(
            f"Kubeflow Pipelines at {where} answers with errors, logged above: {error} Expected its API: look at its state, "
            f"and at the token in {TOKEN} or {TOKEN_FILE}."
        ) from error
    except ApiException as error:
        advice = ADVICE.get(error.status, OTHERWISE)
        raise KubeflowFailed(f"Kubeflow Pipelines at {where} said {refusal(error)} {advice}") from error
    except HTTPError as error:
        raise KubeflowFailed(
            f"Kubeflow Pipelines at {where} does not answer: {error}. Expected its API, such as http://localhost:8888 after "
            "`kubectl port-forward -n kubeflow svc/ml-pipeline 8888:8888`. Set kubeflow.host or KF_PIPELINES_ENDPOINT."
        ) from error


def refusal(error: "ApiException") -> str:
    """Return what the API said, with its status, as a sentence."""
    try:
        said = json.loads(error.body)
        said = said["message" if "message" in said else "error_message"]  # of the gateway, of the upload service
    except (TypeError, ValueError, KeyError):
        said = str(error.body)[:500]
    return f"{error.status} {error.reason}: {said.strip().rstrip('.')}."


def upload(client: "Client", settings: Kubeflow, package: Path, pipeline: str, version: str) -> tuple[str, str]:
    """Upload a compiled pipeline as a version, unless that is there, and return the ids of pipeline and version."""
    pipeline_id = find_pipeline(client, settings, pipeline)
    if not pipeline_id:  # a pipeline is made by an upload, which leaves a version of the pipeline's name, too
        made = client.upload_pipeline(str(package), pipeline, namespace=settings.namespace)
        pipeline_id = given(made.pipeline_id)
    versions = client.list_pipeline_versions(pipeline_id, filter=named(version)).pipeline_versions
    found = versions[0] if versions else client.upload_pipeline_version(str(package), version, pipeline_id=pipeline_id)
    return pipeline_id, given(found.pipeline_version_id)


def find_pipeline(client: "Client", settings: Kubeflow, pipeline: str) -> str | None:
    """Return the id of the pipeline of this name, if there is one."""
    # Not `get_pipeline_id`, which asks without a namespace: in multi-user mode the backend refuses that.
    found = client.list_pipelines(namespace=settings.namespace, filter=named(pipeline)).pipelines
    return given(found[0].pipeline_id) if found else None


def named(name: str) -> str:
    """Make KFP's filter for what has this name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def pages(listing: Callable, things: str, **asked: str) -> Iterator[Any]:
    """Yield all things that a method of KFP's client lists by pages."""
    token: str | None = ""
    while token is not None:
        page = listing(page_token=token, page_size=100, **asked)
        yield from getattr(page, things) or []
        token = page.next_page_token or None


def given(identifier: str | None) -> str:
    """Return the id. Raises KubeflowFailed when there is none: KFP's client takes a page of HTML for an empty answer."""
    if not identifier:
        raise KubeflowFailed(
            f"The answer of Kubeflow Pipelines has no id; expected its API, and not a login page. Give a token in {TOKEN} or "
            f"{TOKEN_FILE}, or the address after `kubectl port-forward`."
        )
    return identifier
