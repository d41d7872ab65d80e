"""What the runner asks of Kubeflow Pipelines' API, by KFP's own client."""

import json
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import BadConfig, KubeflowFailed
from pipeline.kubeflow.settings import Kubeflow

if TYPE_CHECKING:  # it takes two seconds
    import kfp

TOKEN, TOKEN_FILE = "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 (the variables' names)
ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
CRON_FIELDS = ("second", "minute", "hour", "day of the month", "month", "day of the week")


@contextmanager
def connected(settings: Kubeflow) -> Iterator["kfp.Client"]:
    """KFP's client: at `kubeflow.host` or KF_PIPELINES_ENDPOINT, in a pod else at the cluster's own, else as kubectl is set up.
    Its token is the one in KF_PIPELINES_TOKEN, or in the file that KF_PIPELINES_SA_TOKEN_PATH names.

    Raises:
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
            mounted = ServiceAccountTokenVolumeCredentials() if os.environ.get(TOKEN_FILE) else None
            token = os.environ.get(TOKEN)
            yield kfp.Client(host=host, namespace=settings.namespace, existing_token=token, credentials=mounted)
    except ApiException as error:
        raise KubeflowFailed(f"Kubeflow Pipelines at {where} said {error.status} {error.reason}: {_said(error)}") from error
    except HTTPError as error:
        raise KubeflowFailed(
            f"Kubeflow Pipelines at {where} does not answer: {error}. Expected its API, such as http://localhost:8888 behind "
            "`kubectl port-forward -n kubeflow svc/ml-pipeline 8888:8888`. Set kubeflow.host or KF_PIPELINES_ENDPOINT."
        ) from error


def _said(error) -> str:
    try:
        return json.loads(error.body)["error_message"]
    except (TypeError, ValueError, KeyError):
        return str(error.body)[:500]


def upload(client: "kfp.Client", settings: Kubeflow, package: Path, pipeline: str, version: str) -> tuple[str, str]:
    """Uploads a compiled pipeline as a version, unless that is there. Returns the ids of pipeline and version."""
    pipeline_id = client.get_pipeline_id(pipeline)
    if not pipeline_id:
        pipeline_id = client.upload_pipeline(str(package), pipeline, namespace=settings.namespace).pipeline_id
    named = {"operation": "EQUALS", "key": "display_name", "stringValue": version}
    found = client.list_pipeline_versions(pipeline_id, filter=json.dumps({"predicates": [named]})).pipeline_versions
    made = found[0] if found else client.upload_pipeline_version(str(package), version, pipeline_id=pipeline_id)
    return pipeline_id, made.pipeline_version_id


def run(client: "kfp.Client", settings: Kubeflow, version: tuple[str, str], name: str, span: str) -> str:
    """Starts a run of an uploaded version. Returns its id."""
    experiment = client.create_experiment(settings.experiment).experiment_id
    started = client.run_pipeline(
        experiment,
        name,
        pipeline_id=version[0],
        version_id=version[1],
        params={"span": span},
        pipeline_root=settings.pipeline_root,
        enable_caching=False,
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
    experiment = client.create_experiment(settings.experiment).experiment_id
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
        enable_caching=False,
    )
    for recurring_run_id in old:
        client.delete_recurring_run(recurring_run_id)
    return made.recurring_run_id, len(old)


def unschedule(client: "kfp.Client", settings: Kubeflow, name: str) -> int:
    """Takes out what is scheduled under the name. Returns how many there were."""
    old = scheduled(client, client.create_experiment(settings.experiment).experiment_id, name)
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
