"""Recurring runs of Kubeflow Pipelines: making, replacing or removing a schedule ends none of its runs.

KFP's recurring run owns the workflows of its runs, so Kubernetes deletes them with it, pods and all
(kubeflow/pipelines, backend/src/apiserver/resource: CreateRun sets the owner, DeleteJob deletes it).
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from components.shared.errors import BadConfig, KubeflowBusy
from pipeline.kubeflow import runs
from pipeline.kubeflow.client import given, pages
from pipeline.local import cron
from pipeline.shared.kubeflow import Kubeflow

if TYPE_CHECKING:  # it takes two seconds
    from kfp import Client
    from kfp_server_api import V2beta1RecurringRun, V2beta1Run

Meanwhile = Literal["refuse", "wait", "now"]  # what to do about a scheduled run that is under way
FIELDS = ("second", "minute", "hour", "day of the month", "month", "day of the week")
# A part of a field, as github.com/robfig/cron 1.2 reads it, which KFP has; it knows no L, W, # and no seventh day.
PART = re.compile(r"([*?]|(\d+|[a-z]{3})(-(\d+|[a-z]{3}))?)(/\d+)?")
SETTLES = 5.0  # seconds until KFP's controller, which may be starting a run just now, knows that a schedule is off
ENDS = 120.0  # seconds for a run that is told to end


@dataclass(frozen=True)
class Schedules:
    """Makes and removes schedules by name.

    Attributes:
        meanwhile: what to do about a run of the old schedule that is under way.
        hours: to wait for such a run at most.
        say: called with a sentence about what takes long.
    """

    client: "Client"
    settings: Kubeflow
    meanwhile: Meanwhile
    hours: float
    say: Callable[[str], None]

    def make(self, version: tuple[str, str], name: str, expression: str) -> tuple[str, int]:
        """Schedule a version of a pipeline, both by id, in place of what was scheduled under the name.

        The new schedule is made before the old ones go, so that a failure between the two loses none.

        Returns:
            The id of the new one, and how many were replaced.

        Raises:
            KubeflowBusy: a run of an old schedule is under way; nothing was changed.
        """
        with self._off(name) as (experiment, old):
            made = self.client.create_recurring_run(
                experiment,
                name,
                cron_expression=check_cron(expression),
                max_concurrency=1,  # two runs must not publish at once
                no_catchup=True,  # a tick takes the newest span; missed ones would take it again
                pipeline_id=version[0],
                version_id=version[1],
                pipeline_root=self.settings.pipeline_root,
            )
            return given(made.recurring_run_id), len(old)

    def remove(self, name: str) -> int:
        """Remove what is scheduled under the name, and return how many there were. Raises KubeflowBusy as `make` does."""
        with self._off(name) as (_, old):
            return len(old)

    @contextmanager
    def _off(self, name: str) -> Iterator[tuple[str, list["V2beta1RecurringRun"]]]:
        """Turn off what is scheduled under the name, see that none of its runs is under way, and delete it after the block.

        What was on is turned on again when the block, or what leads to it, raises.

        Yields:
            The experiment's id, and what was scheduled.
        """
        experiment = runs.experiment(self.client, self.settings)
        scheduled = pages(self.client.list_recurring_runs, "recurring_runs", experiment_id=experiment)
        old = [each for each in scheduled if each.display_name == name]
        ids = [each.recurring_run_id for each in old]
        try:
            for each in ids:
                self.client.disable_recurring_run(each)
            if ids:
                time.sleep(SETTLES)
                self._clear(runs.under_way(self.client, experiment, schedules=ids))
            yield experiment, old
        except BaseException:
            for one in old:
                if one.status != "DISABLED":
                    with contextlib.suppress(Exception):  # the first error matters more
                        self.client.enable_recurring_run(one.recurring_run_id)
            raise
        api = self.client._recurring_run_api
        for each in ids:  # not `delete_recurring_run`, which deletes the workflows and logs of its runs as well
            api.recurring_run_service_delete_recurring_run(each, propagation_policy="ORPHAN")

    def _clear(self, found: list["V2beta1Run"]) -> None:
        """Make sure that no run of the old schedules is under way. Raises KubeflowBusy, KubeflowFailed."""
        if found and self.meanwhile == "refuse":
            raise KubeflowBusy(
                f"The schedule's run {runs.named(found)} is under way; expected none, since Kubernetes ends it with its "
                "schedule, perhaps while it publishes. Nothing was changed. Wait for its end with --wait, or end it with "
                "--now; delete on KFP's page what has lost its workflow."
            )
        does, hours = ("Ending", ENDS / 3600) if self.meanwhile == "now" else ("Waiting for", self.hours)
        for each in found:
            self.say(f"{does} the run {runs.named([each])}; the schedule is off meanwhile.")
            if self.meanwhile == "now":
                self.client.terminate_run(each.run_id)
            ended = runs.wait(self.client, self.settings, each.run_id, hours, self.say)
            self.say(f"It ended as {ended.state}.")


def check_cron(expression: str) -> str:
    """Check a cron expression and return it.

    Raises:
        BadConfig: it does not have six fields, KFP cannot read one, or no date fits. KFP accepts five fields too, and reads the
            first as seconds; an expression that is never due keeps its controller busy for ever.
    """
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise BadConfig(
            f"--cron {expression!r} has {len(fields)} fields; expected six: {', '.join(FIELDS)}. KFP counts from seconds: "
            '"0 0 3 * * *" is three in the morning, and "0 3 * * *" would be the third minute of every hour.'
        )
    for name, text in zip(FIELDS, fields, strict=True):
        seventh = name == FIELDS[-1] and re.search(r"(^|[,-])7", text)
        if seventh or not all(PART.fullmatch(part) for part in text.lower().split(",")):
            raise BadConfig(
                f"--cron {expression!r}: {text!r} is not a {name} that KFP reads; expected numbers, names of three letters, *, "
                "?, ranges, lists and steps, Sunday as 0. L, W and # are unknown to it."
            )
    if not cron.is_ever_due(expression.replace("?", "*")):
        raise BadConfig(
            f'--cron {expression!r} is never due; expected a time that comes, such as "0 0 3 1 * *", the first of each month. '
            "Look at the ranges, and whether the month has that day."
        )
    return expression
