"""Runs on Kubeflow Pipelines: start one, find those that are under way, wait for an end."""

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from components.shared.errors import KubeflowBusy, KubeflowFailed
from pipeline.kubeflow.client import ADVICE, OTHERWISE, TOKEN_FILE, given, pages, refusal
from pipeline.kubeflow.closing import PUBLISHED_TASK
from pipeline.shared.kubeflow import Kubeflow

if TYPE_CHECKING:  # it takes two seconds
    from kfp import Client
    from kfp_server_api import V2beta1Run

ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
UNDER_WAY = ["RUNTIME_STATE_UNSPECIFIED", "PENDING", "RUNNING", "PAUSED", "CANCELING"]
IS_UNDER_WAY = json.dumps({"predicates": [{"operation": "IN", "key": "state", "stringValues": {"values": UNDER_WAY}}]})
TIMEOUT = (10, 60)  # seconds to connect, and to answer
PAUSE, LONGEST_PAUSE = 10.0, 300.0  # seconds between two questions: the usual, and at most while nothing answers
IF_WANTED = "transform"  # the first task that drift.policy = "retrain_on_drift" may skip
CAME = [  # of a run that succeeded, by the first task in this state
    (PUBLISHED_TASK, "SUCCEEDED", "A new model was published."),
    (PUBLISHED_TASK, "SKIPPED", "Nothing new was published: the candidate was refused, or is in production already."),
    (IF_WANTED, "SKIPPED", "Nothing was trained: no check of drift.retrain_on fired, and the model in production stays."),
]
TOO_EARLY, BROKEN = (408, 425, 429), 500  # HTTP statuses to ask again after, with all from 500 on


def experiment(client: "Client", settings: Kubeflow) -> str:
    """Return the id of the experiment, which is made if it is missing."""
    return given(client.create_experiment(settings.experiment, namespace=settings.namespace).experiment_id)


def start(client: "Client", settings: Kubeflow, version: tuple[str, str], name: str, span: str) -> str:
    """Start a run of an uploaded version, and return its id."""
    started = client.run_pipeline(
        experiment(client, settings),
        name,
        pipeline_id=version[0],
        version_id=version[1],
        params={"span": span},
        pipeline_root=settings.pipeline_root,
    )
    return given(started.run_id)


def check_alone(client: "Client", settings: Kubeflow, pipeline_id: str) -> None:
    """Check that no other run of the pipeline is under way: two would publish at once. Raises KubeflowBusy."""
    found = under_way(client, experiment(client, settings), pipeline_id=pipeline_id)
    if found:
        raise KubeflowBusy(
            f"Under way in the experiment {settings.experiment}: {named(found)}. Expected one run at a "
            f"time, since each writes to {settings.folder}. Wait for its end, or end it on KFP's page; delete there "
            "what has lost its workflow."
        )


def under_way(client: "Client", experiment_id: str, pipeline_id: str = "", schedules: Iterable[str] = ()) -> list["V2beta1Run"]:
    """List the experiment's runs that have not ended, of a pipeline or of recurring runs by their ids."""
    return [
        each
        for each in pages(client.list_runs, "runs", experiment_id=experiment_id, filter=IS_UNDER_WAY)
        if each.recurring_run_id in schedules
        or (pipeline_id and (version := each.pipeline_version_reference) and version.pipeline_id == pipeline_id)
    ]


def named(found: Iterable["V2beta1Run"]) -> str:
    """Say which runs these are."""
    return ", ".join(f"{each.display_name} ({each.run_id}, {each.state})" for each in found)


def look_at(client: "Client", run_id: str) -> "V2beta1Run":
    """Return a run as `get_run` does, which waits for ever on a network that swallows packets."""
    return client._run_api.run_service_get_run(run_id, _request_timeout=TIMEOUT)


def wait(client: "Client", settings: Kubeflow, run_id: str, hours: float, say: Callable[[str], None]) -> "V2beta1Run":
    """Wait until a run has ended, `hours` at most, and keep asking while nothing answers; `say` is told of each outage.

    Raises:
        KubeflowFailed: it has not ended in time, or the API knows no such run, or refuses the token.
    """
    from kfp_server_api import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    until, pause, state, outage = time.monotonic() + hours * 3600, PAUSE, "not known", ""
    while True:
        answer = ""
        try:
            run = look_at(client, run_id)
            if not run.run_id:
                answer = "it gave an answer without a run, perhaps a login page."
        except ApiException as error:
            answer = f"it said {refusal(error)}"
            if not _passes(error.status):
                raise KubeflowFailed(
                    f"Run {run_id}, {state} when last seen, cannot be followed: {answer} {ADVICE.get(error.status, OTHERWISE)} "
                    f"The run continues unless it was deleted. {look(settings, run_id)}"
                ) from error
        except (HTTPError, OSError) as error:  # OSError: of the token's file, while it is replaced
            answer = f"{error}."
        if answer:
            pause = min(pause * 2, LONGEST_PAUSE)
            if not outage:
                say(
                    f"Kubeflow Pipelines does not answer: {answer} The run continues; asking again for {hours:g} hours at most."
                )
        else:
            state, pause = run.state, PAUSE
            if state in ENDED:
                return run
            if outage:
                say(f"Kubeflow Pipelines answers again: the run is {state}.")
        outage, left = answer, until - time.monotonic()
        if left <= 0:
            trouble = f", and nothing answers now: {outage}" if outage else "."
            raise KubeflowFailed(
                f"Run {run_id} was {state} when last seen, after {hours:g} hours of waiting; expected its end{trouble} It "
                f"continues. {look(settings, run_id)}"
            )
        time.sleep(min(pause, left))


def _passes(status: int) -> bool:
    """Tell whether asking again soon may give another answer than this HTTP status."""
    renewed = status in (401, 403) and bool(os.environ.get(TOKEN_FILE))  # the file is read for each question
    return renewed or status in TOO_EARLY or status >= BROKEN


def look(settings: Kubeflow, run_id: str) -> str:
    """Say how to see what a run does."""
    return (
        f"See it at #/runs/details/{run_id} of KFP's pages, or with "
        f"`kubectl get workflow --namespace={settings.namespace} --selector=pipeline/runid={run_id}`."
    )


def ending(run: "V2beta1Run", settings: Kubeflow, tasks: Iterable[str]) -> str:
    """Say what came of a run that has ended, by the states of its compiled tasks: KFP's API tells no more about them.

    Raises:
        KubeflowFailed: it did not succeed.
    """
    details = run.run_details and run.run_details.task_details
    states = {each.display_name: each.state for each in details or []}
    page = f"Its page: {settings.folder}/reports/{run.run_id}/index.html on the volume {settings.claim}."
    if run.state != "SUCCEEDED":
        failed = [task for task in sorted(tasks) if states.get(task) == "FAILED"]
        where = f" in {', '.join(failed)}" if failed else ""
        raise KubeflowFailed(
            f"Run {run.run_id} ended as {run.state}{where}; expected SUCCEEDED. KFP's page shows what the node said. "
            f"{look(settings, run.run_id)} {page}"
        )
    came = (said for task, state, said in CAME if states.get(task) == state)
    return f"{next(came, 'It succeeded.')} {page}"
