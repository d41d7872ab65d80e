"""What the runner asks of Kubeflow Pipelines' API, by KFP's own client."""

import json
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components import network
from components.errors import BadConfig, KubeflowFailed
from pipeline.kubeflow.settings import Kubeflow

if TYPE_CHECKING:  # it takes two seconds
    import kfp

TOKEN, TOKEN_FILE = "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH"
ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
CRON_FIELDS = ("second", "minute", "hour", "day of the month", "month", "day of the week")


@contextmanager
def connected(settings: Kubeflow) -> Iterator["kfp.Client"]:
    """KFP's client: at `kubeflow.host` or KF_PIPELINES_ENDPOINT, in a pod else at the cluster's own, else as kubectl is set up.
    Its token is the one in KF_PIPELINES_TOKEN, or in the file that KF_PIPELINES_SA_TOKEN_PATH names.

    Raises:
        BadConfig: the token's file cannot be read.
        KubeflowFailed: the API does not answer, or said no, in the block too.
    """
    import kfp  # noqa: PLC0415
    from kfp.client import ServiceAccountTokenVolumeCredentials  # noqa: PLC0415
    from kfp_server_api import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    host = settings.host or os.environ.get("KF_PIPELINES_ENDPOINT")
    where = host or "the cluster that this runs in, or kubectl's"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "only works with KFP 2"
            mounted = ServiceAccountTokenVolumeCredentials() if _token_file() else None
            token = os.environ.get(TOKEN)
            proxy, _ = (host and network.proxy(host)) or (None, "")  # which it does not look for itself
            yield kfp.Client(host=host, namespace=settings.namespace, existing_token=token, credentials=mounted, proxy=proxy)
    except TimeoutError as error:  # of the client, which has asked for the API's health five times
        raise KubeflowFailed(
            f"Kubeflow Pipelines at {where} answers with errors, logged above: {error} Expected its API: look at its state, "
            f"and at the token in {TOKEN} or {TOKEN_FILE}."
        ) from error
    except ApiException as error:
        raise KubeflowFailed(f"Kubeflow Pipelines at {where} said {error.status} {error.reason}: {_said(error)}") from error
    except HTTPError as error:
        raise KubeflowFailed(
            f"Kubeflow Pipelines at {where} does not answer: {error}. Expected its API, such as http://localhost:8888 behind "
            "`kubectl port-forward -n kubeflow svc/ml-pipeline 8888:8888`. Set kubeflow.host or KF_PIPELINES_ENDPOINT."
        ) from error


def _token_file() -> str | None:
    path = os.environ.get(TOKEN_FILE)
    if path and not os.access(path, os.R_OK):
        raise BadConfig(f"{TOKEN_FILE} = {path}, which cannot be read; expected the file of a service account's token.")
    return path


def _said(error) -> str:
    try:
        said = json.loads(error.body)
        return said["message" if "message" in said else "error_message"]  # of the gateway, of the upload service
    except (TypeError, ValueError, KeyError):
        return str(error.body)[:500]


def upload(client: "kfp.Client", settings: Kubeflow, package: Path, pipeline: str, version: str) -> tuple[str, str]:
    """Uploads a compiled pipeline as a version, unless that is there. Returns the ids of pipeline and version."""
    # Not `get_pipeline_id`, which asks without a namespace: in multi-user mode the backend refuses that.
    pipelines = client.list_pipelines(namespace=settings.namespace, filter=_called(pipeline)).pipelines
    # A pipeline is made by an upload, which leaves a version of the pipeline's name, too.
    known = pipelines[0] if pipelines else client.upload_pipeline(str(package), pipeline, namespace=settings.namespace)
    pipeline_id = _given(known.pipeline_id)
    versions = client.list_pipeline_versions(pipeline_id, filter=_called(version)).pipeline_versions
    made = versions[0] if versions else client.upload_pipeline_version(str(package), version, pipeline_id=pipeline_id)
    return pipeline_id, made.pipeline_version_id


def _called(name: str) -> str:
    """KFP's filter for what has this name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _experiment(client: "kfp.Client", settings: Kubeflow) -> str:
    """The id of the experiment, which is made if it is not there."""
    return _given(client.create_experiment(settings.experiment).experiment_id)


def _given(identifier: str | None) -> str:
    """The id itself. Raises KubeflowFailed when there is none: KFP's client takes a page of HTML for an empty answer."""
    if not identifier:
        raise KubeflowFailed(
            f"The answer of Kubeflow Pipelines has no id; expected its API, and not a login page. Give a token in {TOKEN} or "
            f"{TOKEN_FILE}, or the address behind `kubectl port-forward`."
        )
    return identifier


def run(client: "kfp.Client", settings: Kubeflow, version: tuple[str, str], name: str, span: str) -> str:
    """Starts a run of an uploaded version. Returns its id."""
    experiment = _experiment(client, settings)
    started = client.run_pipeline(
        experiment,
        name,
        pipeline_id=version[0],
        version_id=version[1],
        params={"span": span},
        pipeline_root=settings.pipeline_root,
    )
    return started.run_id


def wait(client: "kfp.Client", run_id: str, hours: float, seconds_between: float = 10) -> None:
    """Waits until a run has ended.

    Raises:
        KubeflowFailed: it did not succeed, or has not ended in time.
    """
    until = time.monotonic() + hours * 3600
    while (state := client.get_run(run_id).state) not in ENDED:
        if time.monotonic() > until:
            raise KubeflowFailed(f"Run {run_id} is {state} after {hours:g} hours; expected its end. Look at it on KFP's page.")
        time.sleep(seconds_between)
    if state != "SUCCEEDED":
        raise KubeflowFailed(f"Run {run_id} ended as {state}. KFP's page shows the node that stopped it, and what that said.")


def schedule(client: "kfp.Client", settings: Kubeflow, version: tuple[str, str], name: str, cron: str) -> tuple[str, int]:
    """Runs a version again and again; replaces what was scheduled under the name. Returns the id and how many were replaced.

    The new one is made before the old ones go, so that a failure between the two loses no schedule.
    """
    experiment = _experiment(client, settings)
    old = scheduled(client, experiment, name)
    made = client.create_recurring_run(
        experiment,
        name,
        cron_expression=check_cron(cron),
        max_concurrency=1,  # two runs must not publish at once
        no_catchup=True,  # a tick takes the newest span; missed ones would take it again
        pipeline_id=version[0],
        version_id=version[1],
        pipeline_root=settings.pipeline_root,
    )
    for recurring_run_id in old:
        client.delete_recurring_run(recurring_run_id)
    return made.recurring_run_id, len(old)


def unschedule(client: "kfp.Client", settings: Kubeflow, name: str) -> int:
    """Takes out what is scheduled under the name. Returns how many there were."""
    old = scheduled(client, _experiment(client, settings), name)
    for recurring_run_id in old:
        client.delete_recurring_run(recurring_run_id)
    return len(old)


def scheduled(client: "kfp.Client", experiment_id: str, name: str) -> list[str]:
    """Ids of the experiment's recurring runs of this name."""
    found, token = [], ""
    while True:
        page = client.list_recurring_runs(page_token=token, page_size=100, experiment_id=experiment_id)
        found += [each.recurring_run_id for each in page.recurring_runs or [] if each.display_name == name]
        token = page.next_page_token
        if not token:
            return found


def check_cron(expression: str) -> str:
    """The expression itself.

    Raises:
        BadConfig: it has not six fields. KFP takes five, too, and reads the first one as seconds.
    """
    fields = expression.split()
    if len(fields) != len(CRON_FIELDS):
        raise BadConfig(
            f"{expression!r} has {len(fields)} fields; expected six: {', '.join(CRON_FIELDS)}. KFP counts from seconds: "
            '"0 0 3 * * *" is three in the morning, and "0 3 * * *" would be the third minute of every hour.'
        )
    return expression
